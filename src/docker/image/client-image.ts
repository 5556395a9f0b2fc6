import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { version } from '#base/version.ts';
import { DockerError } from '../errors.ts';
import { imageArchive, type Architecture, type ImageConfig } from './archive.ts';
import { daemonsScript } from './daemons-script.ts';
import { madeByLabel } from './old-images.ts';
import { measureLayer } from './layer.ts';
import type { OwnFiles } from './own-files.ts';
import { tar, type TarEntry } from './tar.ts';

/** Our own image as it is to be: known before anything large is read. */
export interface ClientImage {
  /** `telepresence/telepresence:0.1.0`. */
  readonly name: string;
  /** Tells one image from another of the same name: the label `telepresence.content`. */
  readonly content: string;
  /** The bytes that `docker load` reads. */
  archive(): Promise<AsyncIterable<Uint8Array>>;
}

/** The label that holds `content`. */
export const contentLabel = 'telepresence.content';

/** What a daemon's container runs, by the image's `telepresence`: `docker ps` shows it so. */
export const daemonWord = 'connector-foreground';

/** Bundles of a container of the laptop's side; the others are the cluster's. */
const clusterBundles = new Set(['tel2']);

/** The client's image for a processor, made of this package's own files. */
export async function clientImage(
  deps: { readonly files: OwnFiles; readonly node: string },
  options: {
    readonly architecture: Architecture;
    readonly registry: string;
    /** Who makes it, and removes it when there is a newer one. */
    readonly laptop?: string;
  },
): Promise<ClientImage> {
  const { files, node } = deps;
  const { architecture, registry } = options;
  const name = `${registry}/telepresence:${version}`;
  const [base, programs, { size }] = await Promise.all([
    files.base(architecture),
    programEntries(files.dist),
    stat(node),
  ]);
  const hash = createHash('sha256');
  const made = [name, architecture, base.digest, files.node.version, size, config, madeByLabel];
  hash.update(JSON.stringify(made));
  for (const entry of programs) {
    hash.update(`${entry.kind} ${entry.path}\n`);
    if (entry.kind === 'file' && 'bytes' in entry.content) hash.update(entry.content.bytes);
  }
  const content = hash.digest('hex').slice(0, 32);
  return {
    name,
    content,
    async archive() {
      const program: TarEntry = {
        kind: 'file',
        path: 'usr/bin/node',
        mode: 0o755,
        content: { from: node },
      };
      // What changes least comes first: the engine keeps the layers that it has.
      const layers = [base, await measureLayer([program]), await measureLayer(programs)];
      const { laptop } = options;
      const labels = {
        ...config.labels,
        [contentLabel]: content,
        ...(laptop === undefined ? {} : { [madeByLabel]: laptop }),
      };
      return tar(imageArchive({ name, architecture, config: { ...config, labels } }, layers));
    },
  };
}

const config: ImageConfig = {
  entrypoint: ['telepresence'],
  user: '0:0',
  workdir: '/',
  env: { NODE_ENV: 'production', TELEPRESENCE_IMAGE: 'telepresence', HOME: '/root' },
  labels: {
    'org.opencontainers.image.title': 'telepresence',
    'org.opencontainers.image.version': version,
  },
};

/** The bundles, and a command for each; and what a container that only waits runs. */
async function programEntries(dist: string): Promise<readonly TarEntry[]> {
  const found = await readdir(dist, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = found
    .filter((entry) => entry.isFile() && entry.name.endsWith('.mjs'))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(dist.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !clusterBundles.has(path.split(/[./]/)[0] ?? ''))
    .toSorted();
  if (!paths.includes('telepresence.mjs')) {
    throw new DockerError('ImagePartMissing', 'this installation of telepresence has no bundles', {
      hint: 'install it anew; in a checkout: npm run bundle',
    });
  }
  const commands = paths.filter((path) => !path.includes('/')).map((path) => path.slice(0, -4));
  return [
    file('app/package.json', '{ "type": "module" }\n'),
    ...(await Promise.all(
      paths.map(async (path) => file(`app/${path}`, await readFile(join(dist, path)))),
    )),
    ...commands.map((command) => file(`usr/local/bin/${command}`, launcher(command), 0o755)),
    file('usr/local/bin/daemons', daemonsScript, 0o755),
    file('usr/local/bin/pause', pause, 0o755),
  ];
}

function launcher(command: string): string {
  const daemons =
    command === 'telepresence'
      ? `if [ "$1" = ${daemonWord} ]; then shift; exec daemons "$@"; fi\n`
      : '';
  return `#!/bin/sh
${daemons}TELEPRESENCE_EXECUTABLE=/usr/local/bin/${command} exec /usr/bin/node -- /app/${command}.mjs "$@"
`;
}

/** Keeps a network namespace until it is told to end, and ends at once then. */
const pause = `#!/bin/sh
trap 'exit 0' TERM INT
sleep 2147483647 &
wait $!
`;

function file(path: string, content: string | Uint8Array, mode = 0o644): TarEntry {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { kind: 'file', path, mode, content: { bytes } };
}
