import {
  link,
  lstat,
  mkdir,
  readlink,
  rename,
  rmdir,
  statfs,
  symlink,
  unlink,
} from 'node:fs/promises';
import { statusCodes } from '#protocol/sftp/numbers.ts';
import type { FileSystemUse, SftpReply } from '#protocol/sftp/reply.ts';
import type { SftpRequest } from '#protocol/sftp/request.ts';
import { attributesOf, setAttributes } from './attributes-of.ts';
import { readBytes, writeBytes } from './bytes-of-file.ts';
import { nextEntries, openDirectory } from './directory.ts';
import { FileTrouble } from './file-trouble.ts';
import type { Handles } from './handles.ts';
import { canonical, linkText } from './link-text.ts';
import { openFile, opensForWriting } from './open-file.ts';
import { pathOf, pathOfHandle, type Place, type Tree } from './tree.ts';

/** What one client is served. */
export interface Served {
  readonly tree: Tree;
  readonly handles: Handles;
  readonly readOnly: boolean;
}

const ok: SftpReply = { kind: 'status', code: statusCodes.ok, message: '' };
const endOfFile: SftpReply = { kind: 'status', code: statusCodes.endOfFile, message: '' };

/** What changes something, beside an opening for writing. */
const changeKinds = [
  'write',
  'setstat',
  'fsetstat',
  'mkdir',
  'remove',
  'rmdir',
  'rename',
  'posixRename',
  'hardlink',
  'symlink',
] as const;
type Change = Extract<SftpRequest, { readonly kind: (typeof changeKinds)[number] }>;

/** Answers a request; throws what the system, or a FileTrouble, says against it. */
export async function answer(served: Served, request: SftpRequest): Promise<SftpReply> {
  const { tree, handles } = served;
  const writes = isChange(request) || (request.kind === 'open' && opensForWriting(request.flags));
  if (served.readOnly && writes) throw new FileTrouble('EROFS', 'mounted read-only');
  if (isChange(request)) {
    await change(served, request);
    return ok;
  }
  switch (request.kind) {
    case 'open': {
      handles.room();
      const { path, flags, attributes } = request;
      const mode = (attributes.mode ?? 0o666) & 0o777;
      const file = await openFile(tree, { path, flags, mode });
      return { kind: 'handle', handle: handles.add({ kind: 'file', file }) };
    }
    case 'opendir':
      handles.room();
      return await tree.at(request.path, true, async (found) => ({
        kind: 'handle',
        handle: handles.add(await openDirectory(found)),
      }));
    case 'close':
      await handles.close(request.handle);
      return ok;
    case 'read': {
      const data = await readBytes(handles.file(request.handle).file, request);
      return data.length === 0 && request.length > 0 ? endOfFile : { kind: 'data', data };
    }
    case 'readdir': {
      const names = await nextEntries(handles.directory(request.handle));
      return names.length === 0 ? endOfFile : { kind: 'names', names };
    }
    case 'lstat':
    case 'stat':
      return await tree.at(request.path, request.kind === 'stat', async ({ stats }) => ({
        kind: 'attributes',
        attributes: attributesOf(stats),
      }));
    case 'fstat': {
      const stats = await handles.any(request.handle).stat();
      return { kind: 'attributes', attributes: attributesOf(stats) };
    }
    case 'readlink':
      return await tree.in(request.path, async (place) => {
        const name = linkText(request.path, await readlink(pathOf(place), 'latin1'));
        return { kind: 'names', names: [{ name, attributes: {} }] };
      });
    case 'realpath':
      return { kind: 'names', names: [{ name: canonical(request.path), attributes: {} }] };
    case 'statvfs':
      return await tree.at(request.path, true, async ({ handle }) => ({
        kind: 'use',
        use: await useOf(pathOfHandle(handle)),
      }));
    case 'fstatvfs':
      return { kind: 'use', use: await useOf(pathOfHandle(handles.any(request.handle))) };
    case 'unknown':
      throw new FileTrouble('ENOTSUP', request.what);
    case 'fsync':
      await handles.file(request.handle).file.sync();
      return ok;
    default:
      return request satisfies never;
  }
}

/** Everything that changes something and has nothing to say but that it was done. */
async function change({ tree, handles }: Served, request: Change): Promise<void> {
  const { kind } = request;
  switch (kind) {
    case 'write':
      return await writeBytes(handles.file(request.handle).file, request.data, request.offset);
    case 'setstat':
      return await tree.at(request.path, true, async ({ handle }) => {
        await setAttributes(pathOfHandle(handle), request.attributes);
      });
    case 'fsetstat': {
      const path = pathOfHandle(handles.any(request.handle));
      return await setAttributes(path, request.attributes);
    }
    case 'mkdir': {
      const mode = (request.attributes.mode ?? 0o777) & 0o777;
      await tree.in(request.path, async (place) => await mkdir(pathOf(place), mode));
      return;
    }
    case 'remove':
      return await tree.in(request.path, async (place) => await unlink(pathOf(place)));
    case 'rmdir':
      return await tree.in(request.path, async (place) => await rmdir(pathOf(place)));
    case 'symlink':
      return await tree.in(request.path, async (place) => {
        await symlink(Buffer.from(request.target, 'latin1'), pathOf(place));
      });
    case 'rename':
    case 'posixRename':
    case 'hardlink':
      return await tree.in(request.from, async (from) => {
        await tree.in(request.to, async (to) => await move(kind, from, to));
      });
    default:
      return kind satisfies never;
  }
}

async function move(
  kind: 'rename' | 'posixRename' | 'hardlink',
  from: Place,
  to: Place,
): Promise<void> {
  // The kernel makes a second name of the link itself, never of what it leads to.
  if (kind === 'hardlink') return await link(pathOf(from), pathOf(to));
  if (kind === 'rename' && (await exists(to))) throw new FileTrouble('EEXIST', 'it is there');
  return await rename(pathOf(from), pathOf(to));
}

async function exists(place: Place): Promise<boolean> {
  return await lstat(pathOf(place)).then(
    () => true,
    () => false,
  );
}

function isChange(request: SftpRequest): request is Change {
  return changeKinds.some((kind) => kind === request.kind);
}

async function useOf(path: string): Promise<FileSystemUse> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  const numbers = { blockSize: bsize, blocks, free: bfree, available: bavail };
  return { ...numbers, files, freeFiles: ffree };
}
