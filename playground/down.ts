import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findCgroups, removeCgroups } from './cgroup.ts';
import { waitUntil } from './component.ts';
import type { Layout } from './layout.ts';
import { findFirstProcesses } from './machine.ts';
import { findProcesses, isAlive, killExactly, processLink } from './process-table.ts';

const namespaces = ['ns/net', 'ns/pid', 'ns/mnt'] as const;

/**
 * Ends everything of a playground, however much of it there is: killing a machine's first process
 * ends all others in it, and with the last the kernel removes mounts and networks.
 */
export async function takeDown(layout: Layout, signal: AbortSignal): Promise<void> {
  const firsts = await findFirstProcesses(layout);
  const inside = new Set<string>();
  for (const { pid } of firsts) {
    for (const namespace of namespaces) {
      const link = await processLink(pid, namespace);
      if (link !== undefined) inside.add(link);
    }
  }
  // Also what only joined one of its namespaces, such as a network probe of a test.
  const all = await findProcesses(async (pid) => {
    if (pid === process.pid) return false;
    const links = await Promise.all(namespaces.map((name) => processLink(pid, name)));
    return links.some((link) => link !== undefined && inside.has(link));
  });
  await Promise.all(firsts.map(killExactly));
  await Promise.all(all.map(killExactly));
  await waitUntil('end of all processes', { seconds: 10, signal }, async () => {
    const alive = await Promise.all([...firsts, ...all].map(isAlive));
    return !alive.includes(true);
  });
  await removeCgroups(layout, signal);
  await rm(layout.state, { recursive: true, force: true, maxRetries: 5 });
  await rmdir(dirname(layout.state)).catch(() => {});
}

/** Whether anything of the playground is there: a process, a cgroup or a file. */
export async function anyRemains(layout: Layout): Promise<boolean> {
  if ((await findFirstProcesses(layout)).length > 0) return true;
  if ((await findCgroups(layout)).length > 0) return true;
  return readdir(layout.state).then(
    () => true,
    () => false,
  );
}
