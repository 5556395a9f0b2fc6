import { open, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { readElf, type Elf } from './elf.ts';
import type { TarEntry } from '#docker/image/tar.ts';

/** A program or library for an image: `from` on this machine, `to` in the image. */
export interface Binary {
  readonly from: string;
  readonly to: string;
}

/**
 * Entries for programs, for every shared library of `root` that they load, and for the loader.
 * Libraries stand in the image where they stand in `root`, which may be of any processor.
 */
export async function programs(
  root: string,
  binaries: readonly Binary[],
  signal: AbortSignal,
): Promise<readonly TarEntry[]> {
  const directories = await libraryDirectories(root);
  const entries = new Map<string, TarEntry>();
  const wanted: Binary[] = [...binaries];
  for (let binary = wanted.shift(); binary !== undefined; binary = wanted.shift()) {
    signal.throwIfAborted();
    const { from, to: path } = binary;
    if (entries.has(path)) continue;
    entries.set(path, { kind: 'file', path, mode: 0o755, content: { from } });
    const { interpreter = '', needed = [] } = (await elfOf(from)) ?? {};
    // The loader's directory is a link on a whole system; here the file stands where programs ask for it.
    const loader = await findLibrary(directories, basename(interpreter));
    if (loader !== undefined) wanted.push({ from: loader, to: interpreter.slice(1) });
    for (const name of needed.filter((one) => !one.startsWith('ld-linux'))) {
      const library = await findLibrary(directories, name);
      if (library !== undefined) wanted.push({ from: library, to: relative(root, library) });
    }
  }
  return [...entries.values()];
}

/** Where the loader of `root`'s processor looks. */
async function libraryDirectories(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const up of [join(root, 'lib'), join(root, 'usr/lib')]) {
    const names = await readdir(up).catch(() => []);
    const own = names.find((name) => /^(x86_64|aarch64)-linux-gnu$/.test(name));
    if (own !== undefined) found.push(join(up, own));
  }
  return found;
}

async function findLibrary(
  directories: readonly string[],
  name: string,
): Promise<string | undefined> {
  if (name === '') return undefined;
  for (const directory of directories) {
    const path = join(directory, name);
    if (await stat(path).catch(() => undefined)) return path;
  }
  return undefined;
}

async function elfOf(path: string): Promise<Elf | undefined> {
  await using file = await open(path);
  return await readElf(async (offset, length) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  });
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
