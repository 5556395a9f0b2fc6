import { constants, type Stats } from 'node:fs';
import { open, readlink, type FileHandle } from 'node:fs/promises';
import { FileTrouble } from './file-trouble.ts';

/** Linux' number for a handle that only names a file; Node has no word for it. */
const O_PATH = 0o10_000_000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;
/** As the kernel does. */
const mostLinks = 40;
/** Each is held open on the way. */
const mostComponents = 200;
const longestPath = 4096;

/** A directory that is held, and a name in it: not `.` or `..`, and no part of a path. */
export interface Place {
  readonly directory: FileHandle;
  readonly name: string;
}

/** A file that is held by an O_PATH handle, never a symbolic link unless that was asked for. */
export interface Found {
  readonly handle: FileHandle;
  readonly stats: Stats;
}

/**
 * A directory that is served as if it were the whole file system. Each path is walked name by name
 * from handles that are held, so that neither `..`, nor a link, nor a rename in between leads out.
 */
export interface Tree extends AsyncDisposable {
  /** Calls `use` with what is at `path`; a link at its end is followed unless `follow` is false. */
  at<T>(path: string, follow: boolean, use: (found: Found) => Promise<T>): Promise<T>;
  /** Calls `use` with where `path` is or would be; its last name is not looked at. */
  in<T>(path: string, use: (place: Place) => Promise<T>): Promise<T>;
}

/** How a name in a held directory is said to the system: its path, resolved by the kernel in one step. */
export function pathOf({ directory, name }: Place): Buffer {
  return Buffer.from(`/proc/self/fd/${directory.fd}/${name}`, 'latin1');
}

/** The file itself that a handle names, whatever has become of its path. */
export function pathOfHandle({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

/** Opens the directory at `path`, which is of the system's own tree. */
export async function openTree(path: string): Promise<Tree> {
  const root = await open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  const at: Tree['at'] = async (path, follow, use) => {
    await using walk = startWalk(root);
    return await use(await walk.to(path, follow));
  };
  return {
    at,
    async in(path, use) {
      const names = split(path);
      const name = names.pop();
      if (name === undefined || name === '.' || name === '..') {
        throw new FileTrouble('EPERM', 'no name in a directory');
      }
      return await at(names.join('/'), true, async ({ handle, stats }) => {
        if (!stats.isDirectory()) throw new FileTrouble('ENOTDIR', 'its parent is no directory');
        return await use({ directory: handle, name });
      });
    },
    [Symbol.asyncDispose]: async () => await root.close(),
  };
}

function split(path: string): string[] {
  if (path.length > longestPath) throw new FileTrouble('ENAMETOOLONG', 'the path is too long');
  if (path.includes('\0')) throw new FileTrouble('ENOENT', 'a NUL byte is in no name');
  return path.split('/').filter((name) => name !== '');
}

interface Walk extends AsyncDisposable {
  to(path: string, follow: boolean): Promise<Found>;
}

function startWalk(root: FileHandle): Walk {
  /** From the root to where we are; the root is not ours to close. */
  const stack: FileHandle[] = [];
  let last: FileHandle | undefined;
  let links = 0;

  const here = (): FileHandle => stack.at(-1) ?? root;
  const leaveTo = async (depth: number): Promise<void> => {
    for (const handle of stack.splice(depth)) await handle.close();
  };
  const hold = async (name: string): Promise<Found> => {
    if (stack.length >= mostComponents) throw new FileTrouble('ENAMETOOLONG', 'too deep');
    const path = pathOf({ directory: here(), name });
    last = await open(path, O_PATH | O_NOFOLLOW);
    return { handle: last, stats: await last.stat() };
  };
  const release = async (): Promise<void> => {
    const handle = last;
    last = undefined;
    await handle?.close();
  };

  return {
    async to(path, follow) {
      const rest = split(path).reverse();
      for (;;) {
        const name = rest.pop();
        if (name === undefined) {
          const handle = here();
          return { handle, stats: await handle.stat() };
        }
        if (name === '.') continue;
        if (name === '..') {
          await leaveTo(Math.max(stack.length - 1, 0));
          continue;
        }
        const found = await hold(name);
        if (found.stats.isSymbolicLink() && (rest.length > 0 || follow)) {
          links += 1;
          if (links > mostLinks) throw new FileTrouble('ELOOP', 'too many links');
          await release();
          // What is there by now may be another link: it is followed inside the tree all the same.
          const target = await readlink(pathOf({ directory: here(), name }), 'latin1');
          if (target.startsWith('/')) await leaveTo(0);
          rest.push(...split(target).reverse());
          if (rest.length > longestPath) throw new FileTrouble('ENAMETOOLONG', 'too long');
          continue;
        }
        if (rest.length === 0) return found;
        if (!found.stats.isDirectory()) throw new FileTrouble('ENOTDIR', 'not a directory');
        last = undefined;
        stack.push(found.handle);
      }
    },
    async [Symbol.asyncDispose]() {
      await release();
      await leaveTo(0);
    },
  };
}
