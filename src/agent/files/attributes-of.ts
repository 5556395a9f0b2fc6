import type { Stats } from 'node:fs';
import { chmod, chown, truncate, utimes } from 'node:fs/promises';
import type { FileAttributes } from '#protocol/sftp/attributes.ts';

/** A file's facts as SFTP tells them. */
export function attributesOf(stats: Stats): FileAttributes {
  // The year 2106 is the last that SFTP 3 can say.
  const seconds = (ms: number): number => Math.min(Math.max(Math.floor(ms / 1000), 0), 0xffff_ffff);
  return {
    size: stats.size,
    owner: { uid: stats.uid, gid: stats.gid },
    mode: stats.mode,
    times: { accessed: seconds(stats.atimeMs), modified: seconds(stats.mtimeMs) },
  };
}

/** Changes what is said; the file is the one at `path`, a held handle's. */
export async function setAttributes(path: string, wanted: FileAttributes): Promise<void> {
  const { size, owner, mode, times } = wanted;
  if (size !== undefined) await truncate(path, size);
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
  if (mode !== undefined) await chmod(path, mode & 0o7777);
  if (times !== undefined) await utimes(path, times.accessed, times.modified);
}
