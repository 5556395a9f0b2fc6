import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, systemCode } from '#base/errors.ts';
import { CliError } from '../../../errors.ts';

/**
 * Where a file is written that a path means. A link of one's own is followed; what others have put
 * there is not: what is written holds secrets.
 */
export async function ownFilePath(path: string, uid: number): Promise<string> {
  const there = await lstat(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw cannot(path, describe(error));
  });
  if (there?.isSymbolicLink() === true && there.uid !== uid) {
    throw cannot(path, 'it is a link that somebody else has put there');
  }
  const target = there?.isSymbolicLink() === true ? await targetOf(path) : path;
  const file = await stat(target).catch(() => undefined);
  if (file !== undefined && !file.isFile()) throw cannot(path, 'it is there, and no file');
  if (file !== undefined && file.uid !== uid) throw cannot(path, 'the file is somebody else’s');
  try {
    await access(dirname(target), constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'its directory is not there' : describe(error);
    throw cannot(path, why);
  }
  return target;
}

async function targetOf(link: string): Promise<string> {
  try {
    return await realpath(link);
  } catch (error) {
    throw cannot(link, `it is a link to nothing: ${describe(error)}`);
  }
}

/** Writes a file that is its owner's alone, whole or not at all; it takes the place of what was there. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  const fresh = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await writeFile(fresh, text, { mode: 0o600, flag: 'wx' });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw cannot(path, describe(error));
  }
}

function cannot(path: string, why: string): CliError {
  return new CliError('Failed', `${path} cannot be written: ${why}`, {
    hint: 'give another outputPath',
  });
}
