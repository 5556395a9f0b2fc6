import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../images/command.ts';
import { PlaygroundError } from './error.ts';

interface UnpackDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Wanted {
  readonly packages: readonly string[];
  /** The directory that holds them afterwards; nothing is done where it is there. */
  readonly to: string;
  /** Writes a list of packages other than the machine's own; returns what apt-get is told of it. */
  readonly source?: (lists: string) => Promise<readonly string[]>;
}

/**
 * Downloads Debian packages and unpacks them side by side. Nothing is installed, so that nothing of
 * them is started on this machine and nothing of it is changed.
 */
export async function unpackPackages(
  deps: UnpackDeps,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<string> {
  const { packages, to } = wanted;
  if (await isThere(to)) return to;
  const part = `${to}.${String(process.pid)}`;
  const lists = `${part}.lists`;
  const files = join(part, '.archives');
  const env = { ...deps.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await mkdir(files, { recursive: true });
    await mkdir(lists, { recursive: true });
    const own = (await wanted.source?.(lists)) ?? [];
    const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...own];
    const download = [...apt, '-o', 'APT::Sandbox::User=root', 'download', ...packages];
    const first = await run(download, { env, signal, cwd: files, mayFail: true });
    if (first.status !== 0) {
      await run([...apt, 'update'], { env, signal });
      await run(download, { env, signal, cwd: files });
    }
    for (const file of await readdir(files)) {
      await run(['dpkg-deb', '-x', join(files, file), part], { env, signal });
    }
    await rm(files, { recursive: true });
    await rename(part, to);
  } catch (cause) {
    if (await isThere(to)) return to;
    signal.throwIfAborted();
    throw new PlaygroundError('PackagesMissing', `unpack ${packages.join(' ')}`, { cause });
  } finally {
    await rm(part, { recursive: true, force: true });
    await rm(lists, { recursive: true, force: true });
  }
  return to;
}

/** The directory of shared libraries below `directory` (`usr/lib` of unpacked packages). */
export async function librariesIn(directory: string): Promise<string> {
  const names = await readdir(directory).catch(() => []);
  return join(directory, names.find((name) => name.endsWith('-linux-gnu')) ?? '');
}

/** Whether there is such a file or directory. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
