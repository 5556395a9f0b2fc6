import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { imageArchive, type ImageConfig } from '#docker/image/archive.ts';
import { measureLayer, withParents } from '#docker/image/layer.ts';
import { tar, type TarEntry } from '#docker/image/tar.ts';

export interface Image {
  /** `telepresence/tel2:0.1.0`, without a registry. */
  readonly name: string;
  readonly entries: readonly TarEntry[];
  readonly config: ImageConfig;
}

/**
 * Writes an image as one tar that is an OCI layout and a Docker archive at once, so that
 * containerd imports it and every `docker load` accepts it. The same image has the same bytes; an
 * image already in `directory` is not written again. Returns the tar's path.
 */
export async function assemble(image: Image, directory: string): Promise<string> {
  const entries = withParents(image.entries);
  const key = await identity(image, entries);
  const family = `${image.name.replace(/[/:]/g, '_')}-`;
  const path = resolve(directory, `${family}${key.slice(0, 16)}.tar`);
  if (await exists(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  try {
    const { name, config } = image;
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const layers = [await measureLayer(entries)];
    const archive = imageArchive({ name, config, architecture }, layers);
    await pipeline(Readable.from(tar(archive)), createWriteStream(draft));
    await rename(draft, path);
    await removeOld(dirname(path), family);
  } finally {
    await rm(draft, { force: true });
  }
  return path;
}

// Each change of ours makes another tar. One that is an hour old is no longer being loaded.
async function removeOld(directory: string, family: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(family)) continue;
    const path = join(directory, name);
    // Another run may be removing it at the same moment.
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs <= 3_600_000) continue;
    await rm(path, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** A hash of all that decides the image's bytes: files by path, size and time of change. */
async function identity(image: Image, entries: readonly TarEntry[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([image.name, image.config, 'v2']));
  for (const entry of entries) {
    hash.update(`${entry.kind} ${entry.path} ${'mode' in entry ? entry.mode : entry.target}\n`);
    if (entry.kind !== 'file') continue;
    if ('bytes' in entry.content) hash.update(entry.content.bytes);
    else if ('from' in entry.content) {
      const { size, mtimeMs } = await stat(entry.content.from);
      hash.update(`${entry.content.from} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}
