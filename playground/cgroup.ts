import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { PlaygroundError } from './error.ts';
import type { Layout } from './layout.ts';

const root = '/sys/fs/cgroup';
/**
 * A node gives its pods most of its processors when everybody wants them. Here all else is in the
 * root, where each single thread weighs as much as a whole cgroup: without a weight of their own, the
 * pods of a busy machine get some milliseconds in a second, and nothing but their starving is tested.
 */
const weight = 16;
/** What one cgroup, or one thread in the root, has unless told otherwise: by version 1, by version 2. */
const usual = { 'cpu.shares': 1024, 'cpu.weight': 100 } as const;

/** Makes the cgroup below which the kubelet keeps its pods, in every hierarchy of the machine. */
export async function createCgroups(layout: Layout): Promise<void> {
  if (await isUnified()) {
    const controllers = (await readFile(join(root, 'cgroup.controllers'), 'utf8')).trim();
    const all = controllers.split(' ').map((name) => `+${name}`);
    await mkdir(join(root, layout.cgroup), { recursive: true });
    for (const directory of [root, join(root, layout.cgroup)]) {
      await writeFile(join(directory, 'cgroup.subtree_control'), all.join(' '));
    }
    await weigh(join(root, layout.cgroup), 'cpu.weight');
    return;
  }
  for (const hierarchy of await hierarchies()) {
    const path = join(hierarchy, layout.cgroup);
    await mkdir(path, { recursive: true });
    // An empty cpuset takes no process; a new one starts empty.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = await readFile(join(hierarchy, file), 'utf8').catch(() => undefined);
      if (inherited !== undefined) await writeFile(join(path, file), inherited);
    }
    await weigh(path, 'cpu.shares');
  }
}

/** Only the hierarchy of the processors has such a file. */
async function weigh(path: string, file: keyof typeof usual): Promise<void> {
  if (!(await exists(join(path, file)))) return;
  await writeFile(join(path, file), String(usual[file] * weight));
}

/** Removes the cgroups and all below. Their processes must have been ended before. */
export async function removeCgroups(layout: Layout, signal: AbortSignal): Promise<void> {
  const parents = (await isUnified()) ? [root] : await hierarchies();
  for (const parent of parents) {
    const path = join(parent, layout.cgroup);
    // The kernel lets go of a cgroup a moment after its last process.
    for (let tries = 0; await exists(path); tries += 1) {
      await removeTree(path);
      if (!(await exists(path))) break;
      if (tries >= 100)
        throw new PlaygroundError('CleanupFailed', `cgroup ${path} is still in use`);
      await systemClock.sleep(50, signal);
    }
  }
}

/** The playground's cgroups that exist now. */
export async function findCgroups(layout: Layout): Promise<readonly string[]> {
  const parents = (await isUnified()) ? [root] : await hierarchies();
  const found: string[] = [];
  for (const parent of parents) {
    const path = join(parent, layout.cgroup);
    if (await exists(path)) found.push(path);
  }
  return found;
}

async function removeTree(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await removeTree(join(path, entry.name));
  }
  await rmdir(path).catch(() => {});
}

const isUnified = (): Promise<boolean> => exists(join(root, 'cgroup.controllers'));

async function hierarchies(): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return names.map((name) => join(root, name));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
