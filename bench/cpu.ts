import { readdir, readFile, readlink } from 'node:fs/promises';

/** Who spends processor time while bytes flow. The first whose words a command line holds. */
const roles = [
  ['laptop root', ['root-daemon.mjs']],
  ['laptop', ['laptop/gateway.ts', 'port-forward', 'user-daemon.mjs']],
  ['API server', ['kube-apiserver']],
  ['relay', ['relay.mjs', 'tel2.mjs relay']],
  ['manager', ['tel2.mjs manager']],
  ['agent', ['tel2.mjs agent']],
  ['delay', ['delay-relay-main']],
  ['kubelet and containerd', [' kubelet ', 'containerd']],
  ['iperf3 server', ['iperf3 --server']],
] as const satisfies readonly (readonly [string, readonly string[]])[];

export type Role = (typeof roles)[number][0];

/** Processor seconds so far, by process. */
export type CpuSnapshot = ReadonlyMap<number, { readonly role: Role; readonly seconds: number }>;

/** Processor seconds between two snapshots. */
export type CpuUse = ReadonlyMap<Role, number>;

/** Linux reports processor time in hundredths of a second. */
const ticksPerSecond = 100;

/**
 * Looks at all processes that have a role, and are below the given ones (the machines' first) or in
 * their network: what is started on a machine from outside is no child of its first process.
 */
export async function readCpu(above: readonly number[]): Promise<CpuSnapshot> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const looks = await Promise.all(pids.map(lookAt));
  const networks = await Promise.all(above.map(networkOf));
  const parents = new Map(looks.map(({ pid, parent }) => [pid, parent]));
  const isBelow = (pid: number): boolean => {
    for (let up = pid; up > 1; up = parents.get(up) ?? 0) if (above.includes(up)) return true;
    return false;
  };
  return new Map(
    looks.flatMap(({ pid, words, seconds, network }) => {
      // nsenter and setpriv, which hold the words of what they start, use no time.
      const role = roles.find(([, signs]) => signs.some((sign) => words.includes(sign)))?.[0];
      const belongs = networks.includes(network) || isBelow(pid);
      return role === undefined || !belongs ? [] : [[pid, { role, seconds }]];
    }),
  );
}

/** What each role used between two looks. */
export function cpuBetween(before: CpuSnapshot, after: CpuSnapshot): CpuUse {
  const used = new Map<Role, number>();
  for (const [pid, { role, seconds }] of after) {
    const earlier = before.get(pid)?.seconds ?? seconds;
    used.set(role, (used.get(role) ?? 0) + seconds - earlier);
  }
  return used;
}

interface Look {
  readonly pid: number;
  readonly parent: number;
  readonly network: string;
  readonly words: string;
  readonly seconds: number;
}

async function lookAt(pid: number): Promise<Look> {
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    parent: Number(fields[1] ?? 0),
    network: await networkOf(pid),
    words: words.replaceAll('\0', ' '),
    seconds: (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond,
  };
}

async function networkOf(pid: number): Promise<string> {
  return readlink(`/proc/${pid}/ns/net`).catch(() => '');
}
