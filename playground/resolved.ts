import { join } from 'node:path';
import { run } from '../images/command.ts';
import { addresses } from './addresses.ts';
import type { Layout } from './layout.ts';
import { runIn, type Machine } from './machine.ts';
import { isThere, librariesIn, unpackPackages } from './unpack.ts';

/** A real systemd-resolved on a laptop, until disposed of. */
export interface RunningResolved extends AsyncDisposable {
  readonly resolvectl: string;
  /** Its part of the C library's names (nss-resolve), for LD_LIBRARY_PATH. */
  readonly libraries: string;
  restart(): Promise<void>;
}

interface Deps {
  readonly layout: Pick<Layout, 'cache'>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const tools = { systemd: '/usr/bin/busctl', 'dbus-daemon': '/usr/bin/dbus-daemon' } as const;
const stepMs = 20_000;

/** Starts it where the laptop's names are resolved by resolv.conf alone; all of that is undone. */
export async function startResolved(
  { layout, env }: Deps,
  laptop: Machine,
  signal: AbortSignal,
): Promise<RunningResolved> {
  const packages = await unpack(join(layout.cache, 'systemd-resolved'), env, signal);
  const script = join(import.meta.dirname, 'resolved.sh');
  const act = async (action: string): Promise<void> => {
    const argv = ['sh', script, action, packages, addresses.outsideDns];
    await runIn(laptop, argv, { signal: AbortSignal.timeout(stepMs), env });
  };
  await act('start');
  return {
    resolvectl: join(packages, 'usr/bin/resolvectl'),
    libraries: await librariesIn(join(packages, 'usr/lib')),
    restart: () => act('restart'),
    [Symbol.asyncDispose]: () => act('stop'),
  };
}

/** Unpacked and not installed: installing it would make it this machine's own resolver. */
async function unpack(to: string, env: Deps['env'], signal: AbortSignal): Promise<string> {
  const missing: string[] = [];
  for (const [name, path] of Object.entries(tools)) if (!(await isThere(path))) missing.push(name);
  if (missing.length > 0) {
    const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=300'] as const;
    const options = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, signal };
    await run([...apt, 'update'], options);
    await run([...apt, '--no-install-recommends', 'install', ...missing], options);
  }
  return unpackPackages({ env }, { packages: ['systemd-resolved', 'libnss-resolve'], to }, signal);
}
