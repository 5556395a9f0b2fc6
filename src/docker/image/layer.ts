import { createHash } from 'node:crypto';
import { dirname } from 'node:path/posix';
import { tar, type Content, type TarEntry } from './tar.ts';

/** A layer of an image, with all that the image says of it. */
export interface Layer {
  /** Of the bytes as they are carried, and of the plain tar in them: equal unless `gzip`. */
  readonly digest: string;
  readonly diffId: string;
  readonly size: number;
  readonly gzip: boolean;
  readonly content: Content;
}

/**
 * A plain layer of files, which are read now to know their hash, and once more when the layer is
 * written: nothing of it is kept in memory or on the disk.
 */
export async function measureLayer(given: readonly TarEntry[]): Promise<Layer> {
  const entries = withParents(given);
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of tar(entries)) {
    hash.update(chunk);
    size += chunk.byteLength;
  }
  const digest = hash.digest('hex');
  const content = { open: () => tar(entries), size };
  return { digest, diffId: digest, size, gzip: false, content };
}

/** Adds the directories above each entry, and sorts: parents first, each path once. */
export function withParents(entries: readonly TarEntry[]): readonly TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const entry of entries) {
    for (let up = dirname(entry.path); up !== '.'; up = dirname(up)) {
      if (!all.has(up)) all.set(up, { kind: 'directory', path: up, mode: 0o755 });
    }
    all.set(entry.path, entry);
  }
  return [...all.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
}
