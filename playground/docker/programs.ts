import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../images/command.ts';
import { debianSource } from '../../images/debian-source.ts';
import type { Laptop } from '../addresses.ts';
import { place } from '../binaries.ts';
import type { Layout } from '../layout.ts';
import type { Progress } from '../progress.ts';
import { isThere, librariesIn, unpackPackages } from '../unpack.ts';

export interface DockerDeps {
  readonly layout: Layout;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
}

/** Debian's Docker Engine, unpacked. */
export interface EnginePrograms {
  /** Directories for its PATH: dockerd finds its helpers there. */
  readonly path: string;
  /** Of what a small machine lacks. */
  readonly libraries: string;
}

/** Debian's release that has Compose 2; machines older than it have version 1 only. */
const composeRelease = 'trixie';

/** The engine's programs; containerd and runc are the machine's own, installed for the cluster. */
export async function enginePrograms(
  deps: DockerDeps,
  signal: AbortSignal,
): Promise<EnginePrograms> {
  const root = await engineRoot(deps, signal);
  const libraries = await Promise.all(
    ['lib', 'usr/lib'].map((below) => librariesIn(join(root, below))),
  );
  return {
    path: ['usr/sbin', 'usr/bin'].map((below) => join(root, below)).join(':'),
    libraries: libraries.join(':'),
  };
}

/** Gives a laptop the docker command, with Compose, where it has none yet. */
export async function ensureDockerCommand(
  deps: DockerDeps,
  laptop: Laptop,
  signal: AbortSignal,
): Promise<void> {
  const { layout } = deps;
  const command = join(layout.bin, 'docker');
  const plugins = join(layout.state, laptop.name, 'home', '.docker', 'cli-plugins');
  const plugin = join(plugins, 'docker-compose');
  if ((await isThere(plugin)) && (await isThere(command))) return;
  const root = await engineRoot(deps, signal);
  await mkdir(plugins, { recursive: true });
  await mkdir(layout.bin, { recursive: true });
  await place(join(root, 'usr/bin/docker'), command);
  await place(await composeProgram(deps, signal), plugin);
}

async function engineRoot(deps: DockerDeps, signal: AbortSignal): Promise<string> {
  const to = join(deps.layout.cache, 'docker-engine');
  if (await isThere(to)) return to;
  deps.progress('downloading Docker Engine');
  // Newer releases have the command in a package of its own.
  const search = ['apt-cache', 'search', '--names-only', '^docker-cli$'];
  const own = (await run(search, { env: deps.env, signal })).stdout === '' ? [] : ['docker-cli'];
  const packages = ['docker.io', 'tini', 'libdevmapper1.02.1', ...own];
  return unpackPackages(deps, { packages, to }, signal);
}

/** The path of Compose, which runs by itself too; its first words are those after `docker compose`. */
export async function composeProgram(
  deps: Pick<DockerDeps, 'env' | 'progress'> & { readonly layout: Pick<Layout, 'cache'> },
  signal: AbortSignal,
): Promise<string> {
  const to = join(deps.layout.cache, `docker-compose-${composeRelease}`);
  if (!(await isThere(to))) deps.progress('downloading Docker Compose');
  const source = (lists: string): Promise<readonly string[]> =>
    debianSource(lists, { release: composeRelease }, signal);
  const root = await unpackPackages(deps, { packages: ['docker-compose'], to, source }, signal);
  return join(root, 'usr/libexec/docker/cli-plugins/docker-compose');
}
