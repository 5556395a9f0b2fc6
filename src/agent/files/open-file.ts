import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { systemCode } from '#base/errors.ts';
import { openFlags } from '#protocol/sftp/numbers.ts';
import { FileTrouble } from './file-trouble.ts';
import { pathOf, pathOfHandle, type Tree } from './tree.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } =
  constants;

/** Whether a file that is opened so can be changed, or comes to be. */
export function opensForWriting(flags: number): boolean {
  const { write, append, create, truncate } = openFlags;
  return (flags & (write | append | create | truncate)) !== 0;
}

/**
 * Opens a regular file, and nothing else: a device or a pipe has effects by being opened. What was
 * looked at is what is opened, by its handle.
 */
export async function openFile(
  tree: Tree,
  { path, flags, mode }: { readonly path: string; readonly flags: number; readonly mode: number },
): Promise<FileHandle> {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const writes = has(openFlags.write) || has(openFlags.append);
  const access = writes ? (has(openFlags.read) ? O_RDWR : O_WRONLY) : O_RDONLY;
  const how = access | O_NONBLOCK | (has(openFlags.append) ? O_APPEND : 0);
  const create = async (): Promise<FileHandle> =>
    await tree.in(path, async (place) => {
      return await open(pathOf(place), how | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    });
  const existing = async (): Promise<FileHandle> =>
    await tree.at(path, true, async ({ handle, stats }) => {
      if (!stats.isFile()) throw new FileTrouble('EACCES', 'not a regular file');
      return await open(pathOfHandle(handle), how | (has(openFlags.truncate) ? O_TRUNC : 0));
    });
  if (has(openFlags.create) && has(openFlags.exclusive)) return await create();
  try {
    return await existing();
  } catch (error) {
    if (!has(openFlags.create) || systemCode(error) !== 'ENOENT') throw error;
  }
  try {
    return await create();
  } catch (error) {
    // Somebody else was quicker, or it is a link to nowhere.
    if (systemCode(error) !== 'EEXIST') throw error;
    return await existing();
  }
}
