import { createHash } from 'node:crypto';
import { join } from 'node:path/posix';
import type { Layer } from './layer.ts';
import type { TarEntry } from './tar.ts';

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

/** Processors that our images exist for, as Docker calls them. */
export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

interface ArchivedImage {
  /** `telepresence/tel2:0.1.0`, without a registry. */
  readonly name: string;
  readonly config: ImageConfig;
  readonly architecture: Architecture;
}

/**
 * The files of one tar that is an OCI layout and a Docker archive at once, so that containerd imports
 * it and every `docker load` accepts it. The same image has the same bytes.
 */
export function imageArchive(image: ArchivedImage, layers: readonly Layer[]): readonly TarEntry[] {
  const config = json(configOf(image, layers));
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: described('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map(({ digest, size, gzip }) => ({
      mediaType: `application/vnd.oci.image.layer.v1.tar${gzip ? '+gzip' : ''}`,
      digest: `sha256:${digest}`,
      size,
    })),
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
  const archive = json([
    {
      Config: blob(config.digest),
      RepoTags: [image.name],
      Layers: layers.map(({ digest }) => blob(digest)),
    },
  ]);
  return [
    { kind: 'directory', path: 'blobs', mode: 0o755 },
    { kind: 'directory', path: 'blobs/sha256', mode: 0o755 },
    ...layers.map(({ digest, content }): TarEntry => {
      return { kind: 'file', path: blob(digest), mode: 0o644, content };
    }),
    file(blob(config.digest), config.bytes),
    file(blob(manifest.digest), manifest.bytes),
    file('index.json', index.bytes),
    file('manifest.json', archive.bytes),
    file('oci-layout', json({ imageLayoutVersion: '1.0.0' }).bytes),
  ];
}

function configOf({ config, architecture }: ArchivedImage, layers: readonly Layer[]): unknown {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', ...config.env };
  const created = '1970-01-01T00:00:00Z';
  return {
    created,
    architecture,
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
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => `sha256:${diffId}`) },
    history: layers.map(() => ({ created, created_by: 'telepresence' })),
  };
}

const blob = (digest: string): string => join('blobs', 'sha256', digest);

const file = (path: string, bytes: Uint8Array): TarEntry => ({
  kind: 'file',
  path,
  mode: 0o644,
  content: { bytes },
});

interface Json {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

function json(value: unknown): Json {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, digest: createHash('sha256').update(bytes).digest('hex') };
}

function described(mediaType: string, content: Json): Readonly<Record<string, string | number>> {
  return { mediaType, digest: `sha256:${content.digest}`, size: content.bytes.byteLength };
}
