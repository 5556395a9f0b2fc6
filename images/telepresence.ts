import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '#base/errors.ts';
import { assemble, type Image } from './assemble.ts';
import { programs, textFile, tree, type Binary } from './closure.ts';
import { debianRoot, type DebianDeps } from './debian.ts';
import type { TarEntry } from './tar.ts';

/** Something that an image is made of is not there. */
export class ImageError extends CodedError<'NotBundled' | 'NotInstalled'> {}

/** Our images: one for everything in the cluster, one for the laptop's side in a container. */
export const ourImages = ['tel2', 'telepresence'] as const;
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
  telepresence: {
    bundles: ['root-daemon', 'telepresence', 'user-daemon'],
    packages: ['busybox-static', 'conntrack', 'iproute2', 'libatomic1', 'libstdc++6', 'nftables'],
    tools: ['usr/sbin/nft', 'usr/sbin/conntrack', 'bin/ip'],
    entrypoint: 'telepresence',
    user: '0:0',
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
      ...(await nativeAddon(deps.repository)),
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

/** koffi stays a package beside the bundles, with the addon of this processor only. */
async function nativeAddon(repository: string): Promise<readonly TarEntry[]> {
  const modules = join(repository, 'node_modules');
  const addon = join('@koromix', `koffi-linux-${process.arch}`);
  if (!(await stat(join(modules, addon)).catch(() => undefined))) {
    throw new ImageError('NotInstalled', `${join(modules, addon)} is not there: npm ci`);
  }
  const skipped = /^(doc|vendor)\/|^musl_|\.(cc|hh?|inc|asm|S|md)$/;
  const keep = (path: string): boolean => !skipped.test(path);
  return [
    ...(await tree(join(modules, 'koffi'), 'app/node_modules/koffi', keep)),
    ...(await tree(join(modules, addon), join('app/node_modules', addon), keep)),
  ];
}
