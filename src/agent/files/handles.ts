import type { Dir } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { FileTrouble } from './file-trouble.ts';

/** What a client holds open. */
export type OpenFile =
  | { readonly kind: 'file'; readonly file: FileHandle }
  | { readonly kind: 'directory'; readonly directory: FileHandle; readonly entries: Dir };

/** What one client holds open; disposing closes all of it. */
export interface Handles extends AsyncDisposable {
  readonly size: number;
  /** Throws before anything is opened where there are too many. */
  room(): void;
  add(opened: OpenFile): string;
  /** Throws for one that is not open. */
  file(handle: string): Extract<OpenFile, { kind: 'file' }>;
  directory(handle: string): Extract<OpenFile, { kind: 'directory' }>;
  /** Of either kind. */
  any(handle: string): FileHandle;
  close(handle: string): Promise<void>;
}

export function createHandles(most: number): Handles {
  const open = new Map<string, OpenFile>();
  let next = 0;
  const find = (handle: string): OpenFile => {
    const found = open.get(handle);
    if (found === undefined) throw new FileTrouble('EBADF', 'no such handle');
    return found;
  };
  const end = async (opened: OpenFile): Promise<void> => {
    if (opened.kind === 'file') {
      await opened.file.close();
      return;
    }
    await Promise.allSettled([opened.entries.close(), opened.directory.close()]);
  };
  return {
    get size() {
      return open.size;
    },
    room() {
      if (open.size >= most) throw new FileTrouble('EMFILE', 'too many open files');
    },
    add(opened) {
      next += 1;
      const handle = String(next);
      open.set(handle, opened);
      return handle;
    },
    file(handle) {
      const found = find(handle);
      if (found.kind !== 'file') throw new FileTrouble('EBADF', 'a directory');
      return found;
    },
    directory(handle) {
      const found = find(handle);
      if (found.kind !== 'directory') throw new FileTrouble('EBADF', 'not a directory');
      return found;
    },
    any(handle) {
      const found = find(handle);
      return found.kind === 'file' ? found.file : found.directory;
    },
    async close(handle) {
      const found = find(handle);
      open.delete(handle);
      await end(found);
    },
    async [Symbol.asyncDispose]() {
      const all = [...open.values()];
      open.clear();
      await Promise.allSettled(all.map(end));
    },
  };
}
