import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Architecture } from '#docker/image/archive.ts';
import type { TarEntry } from '#docker/image/tar.ts';
import { tree } from './closure.ts';
import { run } from './command.ts';
import type { DebianDeps } from './debian.ts';
import { ImageError } from './error.ts';

interface KoffiDeps extends DebianDeps {
  /** The repository's root. */
  readonly repository: string;
}

const processors = { amd64: 'x64', arm64: 'arm64' } as const;

/** koffi stays a package beside the bundles, with the addon of one processor only. */
export async function koffiEntries(
  deps: KoffiDeps,
  architecture: Architecture,
  signal: AbortSignal,
): Promise<readonly TarEntry[]> {
  const modules = join(deps.repository, 'node_modules');
  const addon = `@koromix/koffi-linux-${processors[architecture]}`;
  const installed = join(modules, addon);
  const there = (await stat(installed).catch(() => undefined)) !== undefined;
  const from = there ? installed : await fetchPackage(deps, addon, signal);
  const skipped = /^(doc|vendor)\/|^musl_|\.(cc|hh?|inc|asm|S|md)$/;
  const keep = (path: string): boolean => !skipped.test(path);
  return [
    ...(await tree(join(modules, 'koffi'), 'app/node_modules/koffi', keep)),
    ...(await tree(from, join('app/node_modules', addon), keep)),
  ];
}

/** A package of another processor, which npm does not install here: the one that the lock names. */
async function fetchPackage(deps: KoffiDeps, name: string, signal: AbortSignal): Promise<string> {
  const { version, integrity } = await locked(deps.repository, name);
  const to = join(deps.cache, 'npm-packages', `${name.replace('/', '-')}-${version}`);
  if (await stat(to).catch(() => undefined)) return to;
  deps.progress(`fetching ${name}`);
  const draft = `${to}.${String(process.pid)}.draft`;
  await mkdir(draft, { recursive: true });
  try {
    await run(['npm', 'pack', '--silent', `${name}@${version}`], {
      cwd: draft,
      signal,
      env: deps.env,
    });
    const [archive = ''] = await readdir(draft);
    const hash = createHash('sha512');
    await pipeline(createReadStream(join(draft, archive)), hash);
    if (`sha512-${hash.digest('base64')}` !== integrity) {
      throw new ImageError('NotInstalled', `${name} is not the one that package-lock.json names`);
    }
    await run(['tar', '-xzf', archive], { cwd: draft, signal });
    await rename(join(draft, 'package'), to);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return to;
}

/** What package-lock.json says of a package. */
export async function locked(
  repository: string,
  name: string,
): Promise<{ readonly version: string; readonly integrity: string }> {
  const lock: unknown = JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8'));
  const found = field(field(lock, 'packages'), `node_modules/${name}`);
  const version = field(found, 'version');
  const integrity = field(found, 'integrity');
  if (typeof version === 'string' && typeof integrity === 'string') return { version, integrity };
  throw new ImageError('NotInstalled', `package-lock.json says nothing of ${name}`);
}

function field(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null
    ? Object.entries(of).find(([key]) => key === name)?.[1]
    : undefined;
}
