// Shared by the tests that run on the laptop.
import { systemClock } from '#base/clock.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { loadClusterAccess, type KubeFlags } from '#kube/kubeconfig.ts';

export const namespace = process.env['E2E_NAMESPACE'] ?? 'default';
export const signal: AbortSignal = AbortSignal.timeout(120_000);

/** The cluster as the laptop's kubeconfig says. */
export async function loadAccess(flags: KubeFlags = {}): Promise<ClusterAccess> {
  return await loadClusterAccess(
    { clock: systemClock },
    { flags, env: process.env, home: process.env['HOME'] ?? '/root' },
  );
}

export interface Deps extends AsyncDisposable {
  readonly access: ClusterAccess;
  readonly client: KubeClient;
  readonly clock: typeof systemClock;
  readonly random: () => number;
}

/** Everything that a step of kube/ takes. */
export async function connectCluster(flags: KubeFlags = {}): Promise<Deps> {
  const access = await loadAccess(flags);
  const client = createKubeClient({ access, clock: systemClock, userAgent: 'telepresence-e2e' });
  return {
    access,
    client,
    clock: systemClock,
    random: Math.random,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
    },
  };
}

/** What pod-server.ts counts; `ask` may be `reset` or `listen`. */
export async function podCounts(client: KubeClient, ask = 'counts'): Promise<PodCounts> {
  const path = `/api/v1/namespaces/${namespace}/services/https:relay:api/proxy/${ask}`;
  const text = await client.raw({ method: 'GET', path, what: 'counts', signal });
  const counts: unknown = JSON.parse(text);
  const number = (key: string): number => Number(read(counts, key));
  return {
    received: number('received'),
    sent: number('sent'),
    ended: number('ended'),
    nonce: String(read(counts, 'nonce')),
    authorization: String(read(counts, 'authorization')),
  };
}

export interface PodCounts {
  readonly received: number;
  readonly sent: number;
  readonly ended: number;
  readonly nonce: string;
  readonly authorization: string;
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

/** The first value that came twice in a row, looking every 300 ms: what has stopped growing. */
export async function settledAt(look: () => Promise<number>): Promise<number> {
  for (let last = -1; ;) {
    const now = await look();
    if (now === last) return now;
    last = now;
    await systemClock.sleep(300, signal);
  }
}
