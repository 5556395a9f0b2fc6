import { readdir, readFile } from 'node:fs/promises';

/** Who spends processor time while bytes flow. The first whose words a command line holds. */
const roles = [
  ['laptop', ['laptop/gateway.ts', 'port-forward', 'user-daemon']],
  ['laptop root', ['root-daemon']],
  ['API server', ['kube-apiserver']],
  ['relay', ['relay.mjs', 'tel2.mjs relay']],
  ['manager', ['tel2.mjs manager']],
  ['delay', ['delay-relay-main']],
  ['kubelet and containerd', ['/kubelet', 'containerd']],
  ['iperf3 server', ['iperf3 --server']],
] as const satisfies readonly (readonly [string, readonly string[]])[];

export type Role = (typeof roles)[number][0];

/** Processor seconds so far, by process. */
export type CpuSnapshot = ReadonlyMap<number, { readonly role: Role; readonly seconds: number }>;

/** Processor seconds between two snapshots. */
export type CpuUse = ReadonlyMap<Role, number>;

/** Linux reports processor time in hundredths of a second. */
const ticksPerSecond = 100;

/** Looks at all processes that have a role. */
export async function readCpu(): Promise<CpuSnapshot> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const line = words.replaceAll('\0', ' ');
      // nsenter and setpriv, which hold the words of what they start, use no time.
      const role = roles.find(([, signs]) => signs.some((sign) => line.includes(sign)))?.[0];
      return role === undefined ? [] : [{ pid: Number(pid), role, seconds: await secondsOf(pid) }];
    }),
  );
  return new Map(found.flat().map(({ pid, role, seconds }) => [pid, { role, seconds }]));
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

async function secondsOf(pid: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}
