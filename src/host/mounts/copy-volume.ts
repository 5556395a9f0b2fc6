import {
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import type { FileAttributes } from '#protocol/sftp/attributes.ts';
import type { SftpClient } from '#protocol/sftp/client.ts';
import { SftpRefusal } from '#protocol/sftp/client.ts';
import type { NamedFile } from '#protocol/sftp/reply.ts';
import { isFileName } from '#protocol/sftp/volume-path.ts';

/** How much of a workload is copied at most; a ConfigMap or Secret holds at most 1 MiB. */
export interface CopyBudget {
  bytes: number;
  /** Directories and links count too. */
  files: number;
}

/** Who may read a copy. */
export interface CopyModes {
  readonly directory: number;
  /** Beside what the original allows. */
  readonly file: number;
}

const kindMask = 0o170_000;
const kinds = { directory: 0o040_000, file: 0o100_000, link: 0o120_000 } as const;

/**
 * Brings the copy of one volume up to date. `root` is where the container's `/` is; its bytes are
 * characters, as all of SFTP's paths. The kubelet changes a volume by turning the link `..data` to
 * another directory: so does this, when all of that is there. Throws a RangeError above the budget.
 */
export async function copyVolume(
  client: SftpClient,
  budget: CopyBudget,
  {
    path,
    root,
    modes,
  }: { readonly path: string; readonly root: string; readonly modes: CopyModes },
): Promise<void> {
  const target = root + path;
  await makeWay(root, path, modes);
  const attributes = await client.lstat(path);
  if (kindOf(attributes) === kinds.file) {
    await copyFile(client, budget, { path, target, attributes, modes });
    return;
  }
  const data = await linkAt(client, `${path}/..data`);
  if (data !== undefined) await copyTurning(client, budget, { path, target, data, modes });
  else if (!(await isThere(target))) {
    // A part of a volume is never changed by the kubelet.
    await rm(own(`${target}..new`), { recursive: true, force: true });
    await copyTree(client, budget, { path, target: `${target}..new`, modes });
    await rename(own(`${target}..new`), own(target));
  } else if ((await readdir(own(target))).length === 0) {
    // Something is mounted there, which nothing can be renamed to.
    try {
      await copyEntries(client, budget, { path, target, modes });
    } catch (error) {
      // Half of it would be taken for the whole the next time.
      await empty(target).catch(() => {});
      throw error;
    }
  }
}

/**
 * The directories that lead to the volume, and it itself, are none of its links: what another volume
 * has brought could lead anywhere on this machine.
 */
async function makeWay(root: string, path: string, modes: CopyModes): Promise<void> {
  const names = path.split('/').slice(1);
  let at = root;
  for (const [index, name] of names.entries()) {
    checkName(name);
    at = `${at}/${name}`;
    const there = await lstat(own(at)).catch(() => undefined);
    if (there?.isSymbolicLink() === true) throw new TypeError('a link is in its way');
    if (there === undefined && index < names.length - 1)
      await mkdir(own(at), { mode: modes.directory });
  }
}

interface Way {
  readonly path: string;
  readonly target: string;
  readonly modes: CopyModes;
}

async function copyTurning(
  client: SftpClient,
  budget: CopyBudget,
  { path, target, data, modes }: Way & { readonly data: string },
): Promise<void> {
  const before = await localLink(`${target}/..data`);
  if (before === data) return;
  checkName(data);
  if (!(await isThere(target))) await mkdir(own(target), { mode: modes.directory });
  await rm(own(`${target}/${data}`), { recursive: true, force: true });
  await copyTree(client, budget, { path: `${path}/${data}`, target: `${target}/${data}`, modes });
  await turn(`${target}/..data`, data);
  const wanted = new Set([data, '..data']);
  for (const { name, attributes } of await entriesOf(client, path)) {
    if (name.startsWith('..') || kindOf(attributes) !== kinds.link) continue;
    charge(budget);
    wanted.add(name);
    const leads = await client.readLink(`${path}/${name}`);
    if ((await localLink(`${target}/${name}`)) !== leads) await turn(`${target}/${name}`, leads);
  }
  for (const name of await readdir(own(target), { encoding: 'latin1' })) {
    if (!wanted.has(name)) await rm(own(`${target}/${name}`), { recursive: true, force: true });
  }
}

async function copyTree(client: SftpClient, budget: CopyBudget, way: Way): Promise<void> {
  charge(budget);
  // Never where something is: a link that is there leads wherever the other end wants.
  await mkdir(own(way.target), { mode: way.modes.directory });
  await copyEntries(client, budget, way);
}

/** Into a directory that is there. */
async function copyEntries(client: SftpClient, budget: CopyBudget, way: Way): Promise<void> {
  const { modes } = way;
  for (const { name, attributes } of await entriesOf(client, way.path)) {
    const path = `${way.path}/${name}`;
    const target = `${way.target}/${name}`;
    const kind = kindOf(attributes);
    if (kind === kinds.directory) await copyTree(client, budget, { path, target, modes });
    else if (kind === kinds.file)
      await copyFile(client, budget, { path, target, attributes, modes });
    else if (kind === kinds.link) {
      charge(budget);
      await turn(target, await client.readLink(path));
    }
  }
}

/** What a directory says it has. A name that it has twice is two files in one place: a trick. */
async function entriesOf(client: SftpClient, path: string): Promise<readonly NamedFile[]> {
  const entries = await client.list(path);
  for (const { name } of entries) checkName(name);
  if (new Set(entries.map(({ name }) => name)).size < entries.length) {
    throw new TypeError('a name that is there twice');
  }
  return entries;
}

function charge(budget: CopyBudget): void {
  budget.files -= 1;
  if (budget.files < 0) throw new RangeError('too much to be copied');
}

/** Complete or not at all; told from its time and length whether it is the same still. */
async function copyFile(
  client: SftpClient,
  budget: CopyBudget,
  { path, target, attributes, modes }: Way & { readonly attributes: FileAttributes },
): Promise<void> {
  const { size = 0, mode = 0, times = { accessed: 0, modified: 0 } } = attributes;
  const before = await lstat(own(target)).catch(() => undefined);
  const same = before?.size === size && Math.floor(before.mtimeMs / 1000) === times.modified;
  if (same) return;
  charge(budget);
  if (size > budget.bytes) throw new RangeError('too much to be copied');
  const data = await client.readFile(path, budget.bytes);
  budget.bytes -= data.length;
  const temporary = own(`${target}..new`);
  await rm(temporary, { force: true });
  await writeFile(temporary, data, { flag: 'wx', mode: (mode & 0o555) | modes.file });
  await utimes(temporary, times.accessed, times.modified);
  await rename(temporary, own(target));
}

/** A link that is there at every moment, to the one or the other. */
async function turn(path: string, leads: string): Promise<void> {
  await rm(own(`${path}..new`), { force: true });
  await symlink(own(leads), own(`${path}..new`));
  await rename(own(`${path}..new`), own(path));
}

async function linkAt(client: SftpClient, path: string): Promise<string | undefined> {
  try {
    return await client.readLink(path);
  } catch (error) {
    // No such file, or no link.
    if (error instanceof SftpRefusal) return undefined;
    throw error;
  }
}

async function localLink(path: string): Promise<string | undefined> {
  return await readlink(own(path), { encoding: 'latin1' }).catch(() => undefined);
}

async function empty(directory: string): Promise<void> {
  for (const name of await readdir(own(directory), { encoding: 'latin1' })) {
    await rm(own(`${directory}/${name}`), { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await lstat(own(path)).then(
    () => true,
    () => false,
  );
}

/** It comes from another machine, and becomes part of a path here. */
function checkName(name: string): void {
  if (!isFileName(name)) throw new TypeError('a name that no file can have');
}

function kindOf({ mode = 0 }: FileAttributes): number {
  return mode & kindMask;
}

function own(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}
