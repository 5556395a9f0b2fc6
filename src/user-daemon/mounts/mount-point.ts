import { lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, systemCode } from '#base/errors.ts';
import { UserDaemonError } from '../errors.ts';

/** A directory of this machine that volumes are to be seen in. */
export interface MountPoint {
  readonly path: string;
  /** It was not there before: it goes when the volumes do. */
  readonly made: boolean;
}

interface Deps {
  readonly temporaryDirectory: string;
  readonly randomInt: (below: number) => number;
}

/** The directory that is asked for, if nothing is in it, or a new one of this user alone. */
export async function prepareMountPoint(deps: Deps, asked: string): Promise<MountPoint> {
  if (asked === '') return { path: await newDirectory(deps), made: true };
  const refuse = (why: string, cause?: unknown): UserDaemonError =>
    new UserDaemonError('FilesUnavailable', `${asked} ${why}`, { cause });
  try {
    const there = await lstat(asked);
    if (!there.isDirectory()) throw refuse('is not a directory');
    if ((await readdir(asked)).length > 0) throw refuse('is not empty');
    return { path: asked, made: false };
  } catch (error) {
    if (error instanceof UserDaemonError) throw error;
    if (systemCode(error) !== 'ENOENT') throw refuse(`cannot be used (${describe(error)})`, error);
  }
  try {
    await mkdir(asked, { recursive: true, mode: 0o700 });
    return { path: asked, made: true };
  } catch (error) {
    throw refuse(`cannot be made (${describe(error)})`, error);
  }
}

async function newDirectory(deps: Deps): Promise<string> {
  for (;;) {
    const path = join(deps.temporaryDirectory, `telfs-${String(deps.randomInt(2 ** 32))}`);
    try {
      await mkdir(path, { mode: 0o700 });
      return path;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }
}

/**
 * Takes back what was made. Where volumes were mounted only the empty directory goes: should they
 * still be there, nothing of theirs is touched. Of a copy its `parts` go, which are ours.
 */
export async function removeMountPoint(
  { path, made }: MountPoint,
  parts: readonly string[],
): Promise<void> {
  for (const part of parts) await rm(join(path, part), { recursive: true, force: true });
  if (!made) return;
  await rmdir(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
}
