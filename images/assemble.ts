import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sizeOf, tar, type TarEntry } from './tar.ts';

/** What a container of the image runs, and how. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A user id (and `:group`); root where it is left out. */
  readonly user?: string;
  readonly workdir?: string;
  readonly volumes?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

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
    const layer = await writeLayer(entries, `${draft}.layer`);
    const archive = Readable.from(tar(layout(image, { ...layer, from: `${draft}.layer` })));
    await pipeline(archive, createWriteStream(draft));
    await rename(draft, path);
    await removeOld(dirname(path), family);
  } finally {
    await rm(draft, { force: true });
    await rm(`${draft}.layer`, { force: true });
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

/** Adds the directories above each entry, and sorts: parents first, each path once. */
function withParents(entries: readonly TarEntry[]): readonly TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const entry of entries) {
    for (let up = dirname(entry.path); up !== '.'; up = dirname(up)) {
      if (!all.has(up)) all.set(up, { kind: 'directory', path: up, mode: 0o755 });
    }
    all.set(entry.path, entry);
  }
  return [...all.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** A hash of all that decides the image's bytes: files by path, size and time of change. */
async function identity(image: Image, entries: readonly TarEntry[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([image.name, image.config, 'v2']));
  for (const entry of entries) {
    hash.update(`${entry.kind} ${entry.path} ${'mode' in entry ? entry.mode : entry.target}\n`);
    if (entry.kind !== 'file') continue;
    if ('bytes' in entry.content) hash.update(entry.content.bytes);
    else {
      const { size, mtimeMs } = await stat(entry.content.from);
      hash.update(`${entry.content.from} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

interface Layer {
  readonly digest: string;
  readonly from: string;
  readonly size: number;
}

async function writeLayer(entries: readonly TarEntry[], path: string): Promise<Layer> {
  const hash = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of tar(entries)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(Readable.from(hashed()), createWriteStream(path));
  return { digest: hash.digest('hex'), from: path, size: await sizeOf({ from: path }) };
}

function layout(image: Image, layer: Layer): readonly TarEntry[] {
  const config = json(configOf(image, layer));
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: described('application/vnd.oci.image.config.v1+json', config),
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: `sha256:${layer.digest}`,
        size: layer.size,
      },
    ],
  });
  const [, tag = 'latest'] = image.name.split(':');
  const index = json({
    schemaVersion: 2,
    manifests: [
      {
        ...described('application/vnd.oci.image.manifest.v1+json', manifest),
        annotations: {
          'io.containerd.image.name': `docker.io/${image.name}`,
          'org.opencontainers.image.ref.name': tag,
        },
      },
    ],
  });
  const blob = (digest: string): string => join('blobs', 'sha256', digest);
  const archive = json([
    {
      Config: blob(config.digest),
      RepoTags: [image.name],
      Layers: [blob(layer.digest)],
    },
  ]);
  const file = (path: string, bytes: Uint8Array): TarEntry => ({
    kind: 'file',
    path,
    mode: 0o644,
    content: { bytes },
  });
  return [
    { kind: 'directory', path: 'blobs', mode: 0o755 },
    { kind: 'directory', path: 'blobs/sha256', mode: 0o755 },
    { kind: 'file', path: blob(layer.digest), mode: 0o644, content: { from: layer.from } },
    file(blob(config.digest), config.bytes),
    file(blob(manifest.digest), manifest.bytes),
    file('index.json', index.bytes),
    file('manifest.json', archive.bytes),
    file('oci-layout', json({ imageLayoutVersion: '1.0.0' }).bytes),
  ];
}

function configOf(image: Image, layer: Layer): unknown {
  const { config } = image;
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', ...config.env };
  return {
    created: '1970-01-01T00:00:00Z',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {
      Entrypoint: config.entrypoint,
      ...(config.command === undefined ? {} : { Cmd: config.command }),
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(config.user === undefined ? {} : { User: config.user }),
      WorkingDir: config.workdir ?? '/',
      ...(config.volumes === undefined
        ? {}
        : { Volumes: Object.fromEntries(config.volumes.map((path) => [path, {}])) }),
      ...(config.labels === undefined ? {} : { Labels: config.labels }),
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer.digest}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'images/assemble.ts' }],
  };
}

interface Json {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

function json(value: unknown): Json {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, digest: createHash('sha256').update(bytes).digest('hex') };
}

function described(mediaType: string, blob: Json): Readonly<Record<string, string | number>> {
  return { mediaType, digest: `sha256:${blob.digest}`, size: blob.bytes.byteLength };
}
