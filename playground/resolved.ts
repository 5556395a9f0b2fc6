import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../images/command.ts';
import { addresses } from './addresses.ts';
import { PlaygroundError } from './error.ts';
import type { Layout } from './layout.ts';
import { runIn, type Machine } from './machine.ts';

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
  const [library = ''] = await readdir(join(packages, 'usr/lib')).then((names) =>
    names.filter((name) => name.endsWith('-linux-gnu')),
  );
  return {
    resolvectl: join(packages, 'usr/bin/resolvectl'),
    libraries: join(packages, 'usr/lib', library),
    restart: () => act('restart'),
    [Symbol.asyncDispose]: () => act('stop'),
  };
}

/** Unpacked and not installed: installing it would make it this machine's own resolver. */
async function unpack(to: string, env: Deps['env'], signal: AbortSignal): Promise<string> {
  if (await isThere(to)) return to;
  const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=300'] as const;
  const wanted = ['systemd-resolved', 'libnss-resolve'] as const;
  const options = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, signal };
  const part = `${to}.${String(process.pid)}`;
  await mkdir(part, { recursive: true });
  try {
    const missing: string[] = [];
    for (const [name, path] of Object.entries(tools))
      if (!(await isThere(path))) missing.push(name);
    const download = [...apt, '-o', 'APT::Sandbox::User=root', 'download', ...wanted] as const;
    const first = await run(download, { ...options, cwd: part, mayFail: true });
    if (first.status !== 0 || missing.length > 0) {
      await run([...apt, 'update'], options);
      if (missing.length > 0) {
        await run([...apt, '--no-install-recommends', 'install', ...missing], options);
      }
      await run(download, { ...options, cwd: part });
    }
    for (const file of await readdir(part)) {
      if (file.endsWith('.deb')) await run(['dpkg-deb', '-x', join(part, file), part], options);
    }
    await rename(part, to);
  } catch (cause) {
    await rm(part, { recursive: true, force: true });
    if (await isThere(to)) return to;
    throw new PlaygroundError('PackagesMissing', `unpack ${wanted.join(' ')}`, { cause });
  }
  return to;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
