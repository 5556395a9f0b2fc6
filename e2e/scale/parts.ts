import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { run } from '../../images/command.ts';
import { firstLaptop } from '../../playground/addresses.ts';
import { clusterMachine, requireMachine } from '../../playground/machine.ts';
import { settingsFrom } from '../../playground/settings.ts';

/** The programs of ours that run for long, by the words of their command lines. */
const roles = [
  ['user daemon', /user-daemon(\.mjs|\/main\.ts) --socket /],
  ['root daemon', /root-daemon(\.mjs|\/main\.ts) --socket /],
  ['relay', /tel2\.mjs relay\s*$/],
  ['controller', /tel2\.mjs manager\s*$/],
  ['agent', /tel2\.mjs agent\s*$/],
] as const;
export type Role = (typeof roles)[number][0];

/** A process of ours. */
export interface Part {
  readonly role: Role;
  /** As the real machine numbers it. */
  readonly pid: number;
}

/** What it uses. */
export interface Usage {
  /** Bytes. */
  readonly resident: number;
  readonly anonymous: number;
  /** Of its container, as the kubelet sees it; undefined where it is in none. */
  readonly workingSet: number | undefined;
  readonly files: number;
  /** Processor seconds so far. */
  readonly seconds: number;
}

/** What is left of its memory once garbage is collected, and what keeps it alive. */
export interface Heap {
  readonly heapUsed: number;
  readonly external: number;
  readonly resources: Readonly<Record<string, number>>;
}

const ticksPerSecond = 100;

/** All processes of ours in this playground. */
export async function findParts(): Promise<readonly Part[]> {
  const { layout } = settingsFrom(process.env);
  const machines = [
    await requireMachine(layout, clusterMachine),
    await requireMachine(layout, firstLaptop.name),
  ];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const looks = await Promise.all(pids.map(lookAt));
  const parents = new Map(looks.map(({ pid, parent }) => [pid, parent]));
  const spaces = await Promise.all(machines.map(({ pid }) => linkOf(pid, 'ns/mnt')));
  const isBelow = (pid: number): boolean => {
    for (let up = pid; up > 1; up = parents.get(up) ?? 0) {
      if (machines.some((machine) => machine.pid === up)) return true;
    }
    return false;
  };
  return looks
    .flatMap(({ pid, role, space }) => {
      if (role === undefined) return [];
      return isBelow(pid) || spaces.includes(space) ? [{ role, pid }] : [];
    })
    .toSorted((a, b) => orderOf(a.role) - orderOf(b.role) || a.pid - b.pid);
}

const orderOf = (role: Role): number => roles.findIndex(([name]) => name === role);

async function lookAt(pid: number): Promise<{
  readonly pid: number;
  readonly parent: number;
  readonly role: Role | undefined;
  readonly space: string;
}> {
  const words = (await textOf(pid, 'cmdline')).replaceAll('\0', ' ');
  const stat = await textOf(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // nsenter and setpriv hold the words of what they start.
  const isNode = (await linkOf(pid, 'exe')).endsWith('/node');
  const role = isNode ? roles.find(([, sign]) => sign.test(words))?.[0] : undefined;
  return { pid, parent: Number(fields[1] ?? 0), role, space: await linkOf(pid, 'ns/mnt') };
}

/** What a part uses now. */
export async function usageOf({ pid }: Part): Promise<Usage> {
  const status = await textOf(pid, 'status');
  const kilobytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
  const stat = await textOf(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const files = await readdir(`/proc/${String(pid)}/fd`);
  return {
    resident: kilobytes('VmRSS'),
    anonymous: kilobytes('RssAnon'),
    workingSet: await workingSetOf(pid),
    files: files.length,
    seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
  };
}

/** The memory of its container without what the kernel may drop, as the kubelet counts it. */
async function workingSetOf(pid: number): Promise<number | undefined> {
  const groups = await textOf(pid, 'cgroup');
  const unified = /^0::(.*\/pod.*)$/m.exec(groups)?.[1];
  const old = /^\d+:memory:(.*\/pod.*)$/m.exec(groups)?.[1];
  if (old !== undefined) {
    const words = ['memory.usage_in_bytes', 'total_inactive_file'] as const;
    return await withoutInactive(join('/sys/fs/cgroup/memory', old), words);
  }
  if (unified === undefined) return undefined;
  const words = ['memory.current', 'inactive_file'] as const;
  return await withoutInactive(join('/sys/fs/cgroup', unified), words);
}

async function withoutInactive(
  group: string,
  [usage, inactive]: readonly [string, string],
): Promise<number> {
  const stat = await readFile(join(group, 'memory.stat'), 'utf8');
  const dropped = new RegExp(`^${inactive} (\\d+)`, 'm').exec(stat)?.[1] ?? 0;
  return Number(await readFile(join(group, usage), 'utf8')) - Number(dropped);
}

const heapShape = v.object({
  heapUsed: v.number(),
  external: v.number(),
  resources: v.record(v.string(), v.number()),
});
const heapProgram = new URL('heap.client.ts', import.meta.url).pathname;

/** Bytes pass through these; a network has one inspector's port (see heap.client.ts). */
const inspected: ReadonlySet<Role> = new Set(['user daemon', 'relay', 'agent']);
/** With this in a program's NODE_OPTIONS any port will do. */
export const anyInspectorPort = '--inspect-port=0';

/** Collects a part's garbage and looks at what is left; undefined for one that cannot be asked. */
export async function heapOf({ pid, role }: Part): Promise<Heap | undefined> {
  const options = await textOf(pid, 'environ');
  if (!inspected.has(role) && !options.includes(anyInspectorPort)) return undefined;
  const entering = ['nsenter', `--net=/proc/${String(pid)}/ns/net`, '--'];
  const words = [process.execPath, heapProgram, String(pid)];
  const { stdout } = await run([...entering, ...words], { signal: AbortSignal.timeout(60_000) });
  return v.parse(heapShape, JSON.parse(stdout));
}

async function textOf(pid: number, name: string): Promise<string> {
  return await readFile(`/proc/${String(pid)}/${name}`, 'utf8').catch(() => '');
}

async function linkOf(pid: number, name: string): Promise<string> {
  return await readlink(`/proc/${String(pid)}/${name}`).catch(() => '');
}
