import { constants } from 'node:fs';
import { lstat, open, opendir } from 'node:fs/promises';
import { systemCode } from '#base/errors.ts';
import type { NamedFile } from '#protocol/sftp/reply.ts';
import { attributesOf } from './attributes-of.ts';
import { FileTrouble } from './file-trouble.ts';
import type { OpenFile } from './handles.ts';
import { pathOf, pathOfHandle, type Found } from './tree.ts';

type OpenDirectory = Extract<OpenFile, { kind: 'directory' }>;

/** With one name of 255 bytes and its attributes each, a reply stays well below the longest. */
const entriesAtOnce = 128;

/** Opens a directory for its entries. */
export async function openDirectory({ handle, stats }: Found): Promise<OpenDirectory> {
  if (!stats.isDirectory()) throw new FileTrouble('ENOTDIR', 'not a directory');
  const path = pathOfHandle(handle);
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const entries = await opendir(pathOfHandle(directory), {
      encoding: 'latin1',
      bufferSize: entriesAtOnce,
    });
    return { kind: 'directory', directory, entries };
  } catch (error) {
    await directory.close();
    throw error;
  }
}

/** The next entries with what is known of each; none at the end. */
export async function nextEntries({ directory, entries }: OpenDirectory): Promise<NamedFile[]> {
  const found: NamedFile[] = [];
  while (found.length < entriesAtOnce) {
    const entry = await entries.read();
    if (entry === null) break;
    const { name } = entry;
    try {
      const stats = await lstat(pathOf({ directory, name }));
      found.push({ name, attributes: attributesOf(stats) });
    } catch (error) {
      // Gone since; what may not be looked at is listed all the same, as `readdir` does.
      if (systemCode(error) !== 'ENOENT') found.push({ name, attributes: {} });
    }
  }
  return found;
}
