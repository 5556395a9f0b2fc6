import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, systemCode } from '#base/errors.ts';
import { CliError } from '../../../errors.ts';
import { isExternalDocument } from './external-document.ts';

/** Far more than all environments of a run. */
const largestDocument = 16 << 20;

/** Where a file is written. */
export interface OwnFile {
  readonly path: string;
  /** It was reached by a link, which is to lead somewhere afterwards, too. */
  readonly isLinked: boolean;
}

/**
 * Where a file is written that a path means. A link of one's own is followed; what others have put
 * there is not: what is written holds secrets. And what holds anything but a document of ours stays.
 */
export async function findOwnFile(path: string, uid: number): Promise<OwnFile> {
  const there = await lstat(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw cannot(path, describe(error));
  });
  const isLinked = there?.isSymbolicLink() === true;
  if (isLinked && there.uid !== uid) {
    throw cannot(path, 'it is a link that somebody else has put there');
  }
  const target = isLinked ? await targetOf(path) : path;
  const file = await stat(target).catch(() => undefined);
  if (file !== undefined && !file.isFile()) throw cannot(path, 'it is there, and no file');
  if (file !== undefined && file.uid !== uid) throw cannot(path, 'the file is somebody else’s');
  if (file !== undefined && file.size > 0 && !(await isFormerDocument(target, file.size))) {
    throw cannot(path, 'the file has something else in it, which would be lost');
  }
  try {
    await access(dirname(target), constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'its directory is not there' : describe(error);
    throw cannot(path, why);
  }
  return { path: target, isLinked };
}

async function isFormerDocument(path: string, size: number): Promise<boolean> {
  if (size > largestDocument) return false;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw cannot(path, describe(error));
  });
  return isExternalDocument(text);
}

async function targetOf(link: string): Promise<string> {
  try {
    return await realpath(link);
  } catch (error) {
    throw cannot(link, `it is a link to nothing: ${describe(error)}`);
  }
}

/** The file beside it that becomes it, once it is whole. */
export const freshBeside = (path: string): string => join(dirname(path), `.${randomUUID()}.tmp`);

/** Writes a file that is its owner's alone, whole or not at all; it takes the place of what was there. */
export async function writeOwnFile(path: string, fresh: string, text: string): Promise<void> {
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
