import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { assemble, type Image } from './assemble.ts';
import { programs, textFile, tree, type Binary } from './closure.ts';
import { debianRoot, type DebianDeps } from './debian.ts';
import { ImageError } from './error.ts';
import { koffiEntries } from './koffi.ts';
import type { TarEntry } from '#docker/image/tar.ts';

/**
 * Our images: one for everything in the cluster. That of the laptop's side in a container is made by the
 * CLI itself: src/docker/image.
 */
export const ourImages = ['tel2'] as const;
export type OurImage = (typeof ourImages)[number];

interface Recipe {
  readonly bundles: readonly string[];
  readonly packages: readonly string[];
  /** Programs of those packages, by path. */
  readonly tools: readonly string[];
  readonly entrypoint: string;
  /** Any user id works; this one where nothing is said. */
  readonly user: string;
}

const recipes: Readonly<Record<OurImage, Recipe>> = {
  // `manager`, `relay`, `agent` or `agent-init` is the first argument; only the last needs nft.
  tel2: {
    bundles: ['tel2'],
    packages: ['busybox-static', 'libatomic1', 'libstdc++6', 'nftables'],
    tools: ['usr/sbin/nft'],
    entrypoint: 'tel2',
    user: '65532:65532',
  },
};

export interface OurImageDeps extends DebianDeps {
  /** The repository's root. */
  readonly repository: string;
  /** The Node program that the image runs on. */
  readonly node: string;
}

/**
 * Assembles one of our images without a network, from the bundles in dist/ and Debian's packages.
 * Returns its name and the tar.
 */
export async function assembleOurImage(
  deps: OurImageDeps,
  which: OurImage,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly tar: string }> {
  const recipe = recipes[which];
  const root = await debianRoot(deps, recipe.packages, signal);
  const tools: readonly Binary[] = recipe.tools.map((path) => ({
    from: join(root, path),
    to: path,
  }));
  const image: Image = {
    name: `telepresence/${which}:${await versionOf(deps.repository)}`,
    entries: [
      ...(await programs(root, [{ from: deps.node, to: 'usr/bin/node' }, ...tools], signal)),
      { kind: 'directory', path: 'tmp', mode: 0o1777 },
      shell(root),
      { kind: 'symlink', path: 'bin/sh', target: 'busybox' },
      textFile('etc/nsswitch.conf', 'hosts: files dns\n'),
      ...(await bundles(deps, recipe)),
      ...(await koffiEntries(deps, process.arch === 'arm64' ? 'arm64' : 'amd64', signal)),
    ],
    config: {
      entrypoint: ['/usr/bin/node', `/app/${recipe.entrypoint}.mjs`],
      user: recipe.user,
      workdir: '/app',
      env: { NODE_ENV: 'production', TELEPRESENCE_IMAGE: which },
      labels: { 'org.opencontainers.image.title': `telepresence ${which}` },
    },
  };
  return { name: image.name, tar: await assemble(image, join(deps.cache, 'images')) };
}

async function versionOf(repository: string): Promise<string> {
  const parsed: unknown = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) {
    if (typeof parsed.version === 'string') return parsed.version;
  }
  return '0.0.0';
}

// nft is run by a shell so that its errors come in order with its answers.
function shell(root: string): TarEntry {
  const from = join(root, 'bin/busybox');
  return { kind: 'file', path: 'bin/busybox', mode: 0o755, content: { from } };
}

async function bundles(deps: OurImageDeps, recipe: Recipe): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [textFile('app/package.json', '{ "type": "module" }\n')];
  for (const bundle of recipe.bundles) {
    const dist = join(deps.repository, 'dist');
    const from = join(dist, `${bundle}.mjs`);
    if (!(await stat(from).catch(() => undefined))) {
      throw new ImageError('NotBundled', `${from} is not there: npm run bundle`);
    }
    const path = `app/${bundle}.mjs`;
    entries.push({ kind: 'file', path, mode: 0o644, content: { from } });
    const chunks = join(dist, bundle);
    if (await stat(chunks).catch(() => undefined)) {
      entries.push(...(await tree(chunks, `app/${bundle}`)));
    }
  }
  return entries;
}
