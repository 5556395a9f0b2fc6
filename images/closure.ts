import { readdir, readlink, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { run } from './command.ts';
import type { TarEntry } from './tar.ts';

const machine =
  process.arch === 'arm64'
    ? ({ triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1', at: 'lib' } as const)
    : ({ triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2', at: 'lib64' } as const);

/** A program or library for an image: `from` on this machine, `to` in the image. */
export interface Binary {
  readonly from: string;
  readonly to: string;
}

/**
 * Entries for programs, for every shared library of `root` that they load, and for the loader.
 * Libraries stand in the image where they stand in `root`.
 */
export async function programs(
  root: string,
  binaries: readonly Binary[],
  signal: AbortSignal,
): Promise<readonly TarEntry[]> {
  const directories = ['lib', 'usr/lib'].map((up) => join(root, up, machine.triplet));
  const loader = join(root, 'lib', machine.triplet, machine.loader);
  const entries = new Map<string, TarEntry>();
  const add = (path: string, from: string): void => {
    entries.set(path, { kind: 'file', path, mode: 0o755, content: { from } });
  };
  add(join(machine.at, machine.loader), loader);
  for (const { from, to } of binaries) {
    add(to, from);
    const listed = await run([loader, '--library-path', directories.join(':'), '--list', from], {
      signal,
      mayFail: true,
    });
    // A program without shared libraries is refused by the loader, and needs none.
    if (listed.status !== 0) continue;
    for (const [, name = '', path = ''] of listed.stdout.matchAll(/^\s*(\S+) => (\S+) \(/gm)) {
      const inRoot = relative(root, path);
      if (!inRoot.startsWith('..')) add(join(inRoot, '..', basename(name)), path);
    }
  }
  return [...entries.values()];
}

/** Entries for a directory and all below it, placed at `to`; `keep` picks files by their path. */
export async function tree(
  from: string,
  to: string,
  keep: (path: string) => boolean = () => true,
): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  const visit = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(from, below), { withFileTypes: true })) {
      const path = join(below, entry.name);
      if (entry.isDirectory()) {
        await visit(path);
        continue;
      }
      if (!keep(path)) continue;
      if (entry.isSymbolicLink()) {
        const target = await readlink(join(from, path));
        entries.push({ kind: 'symlink', path: join(to, path), target });
      } else if (entry.isFile()) {
        const executable = ((await stat(join(from, path))).mode & 0o111) !== 0;
        const mode = executable ? 0o755 : 0o644;
        const content = { from: join(from, path) };
        entries.push({ kind: 'file', path: join(to, path), mode, content });
      }
    }
  };
  await visit('');
  return entries;
}

/** A file of an image with text in it. */
export function textFile(path: string, text: string, mode = 0o644): TarEntry {
  return { kind: 'file', path, mode, content: { bytes: Buffer.from(text) } };
}
