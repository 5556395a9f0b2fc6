import { readFile, stat } from 'node:fs/promises';
import { run } from '../images/command.ts';
import { PlaygroundError } from './error.ts';
import type { Progress } from './progress.ts';

/** Debian's packages, by a program that each brings. */
const packages = {
  'busybox-static': '/bin/busybox',
  conntrack: '/usr/sbin/conntrack',
  containerd: '/usr/bin/containerd',
  'containernetworking-plugins': '/usr/lib/cni/ptp',
  curl: '/usr/bin/curl',
  ethtool: '/usr/sbin/ethtool',
  iproute2: '/usr/bin/ip',
  iptables: '/usr/sbin/iptables',
  nftables: '/usr/sbin/nft',
  openssl: '/usr/bin/openssl',
  runc: '/usr/sbin/runc',
  socat: '/usr/bin/socat',
  sshfs: '/usr/bin/sshfs',
  tcsh: '/usr/bin/tcsh',
  zsh: '/usr/bin/zsh',
} as const;

interface PackageDeps {
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
}

/** Says in one line what is missing on this machine, or installs it where that is packages. */
export async function ensureMachine(deps: PackageDeps, signal: AbortSignal): Promise<void> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!/^(ID|ID_LIKE)=.*debian/m.test(release)) {
    throw new PlaygroundError('NotDebian', 'the playground needs Debian 12 or newer');
  }
  ensureRoot(deps.uid);
  const missing = await missingPackages();
  if (missing.length === 0) return;
  deps.progress(`installing ${missing.join(' ')}`);
  const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=300'] as const;
  const env = { ...deps.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run([...apt, 'update'], { env, signal });
    await run([...apt, '--no-install-recommends', 'install', ...missing], { env, signal });
    if (missing.includes('containerd') && (await isThere('/run/systemd/system'))) {
      // Debian starts it as the machine's service; the playground runs one of its own.
      await run(['systemctl', 'disable', '--now', 'containerd'], { env, signal, mayFail: true });
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new PlaygroundError('PackagesMissing', `install ${missing.join(' ')}`, { cause });
  }
}

/** Says in one line that root is needed. */
export function ensureRoot(uid: number): void {
  if (uid !== 0) {
    throw new PlaygroundError('NotRoot', 'the playground needs root: run the same with sudo');
  }
}

async function missingPackages(): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const [name, path] of Object.entries(packages)) {
    if (!(await isThere(path))) missing.push(name);
  }
  return missing;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
