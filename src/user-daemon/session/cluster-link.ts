import { createClient, type Client } from '@connectrpc/connect';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import {
  Cluster,
  type RemoveAgentsResponse,
  type WorkloadInfo,
} from '#protocol/gen/telepresence_pb.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import type { ConnectionSet } from '#tunnel/connection-set.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';
import type { ClusterModel } from '../names/cluster-model.ts';

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly control: ConnectionSet<ClientSession>;
  readonly model: ClusterModel;
}

interface Options {
  /** Empty: all that the manager serves. */
  readonly namespaces: readonly string[];
}

/** What the controller tells us, over the control session. */
export interface ClusterLink extends AsyncDisposable {
  /** Resolves when the first snapshot is complete. */
  synced(signal: AbortSignal): Promise<void>;
  /** A raw DNS query, answered by the cluster's DNS. */
  lookup(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  workloads(namespace: string, signal: AbortSignal): Promise<readonly WorkloadInfo[]>;
  /** Tells of the workloads now and after each change, until `signal` aborts or this is disposed. */
  followWorkloads(
    namespace: string,
    signal: AbortSignal,
    onWorkloads: (workloads: readonly WorkloadInfo[]) => void,
  ): Promise<void>;
  /** What everything in the cluster logs, for a while (0: as long as this connection). */
  setLogLevel(
    wanted: { readonly level: string; readonly durationMs: bigint },
    signal: AbortSignal,
  ): Promise<void>;
  /** Takes agents out of workloads; none named are all of the namespace. */
  removeAgents(
    removal: { readonly namespace: string; readonly workloads: readonly string[] },
    signal: AbortSignal,
  ): Promise<RemoveAgentsResponse>;
}

const callMs = 8000;
const againMs = 200;

/** Follows the cluster until disposed, over whichever control session there is. */
export function followCluster(deps: Deps, options: Options): ClusterLink {
  const stop = new AbortController();
  const first = Promise.withResolvers<undefined>();

  const clientOn = (session: ClientSession): Client<typeof Cluster> =>
    createClient(Cluster, rpcTransport(session));

  const call = async <T>(
    what: string,
    outer: AbortSignal,
    run: (client: Client<typeof Cluster>, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const signal = AbortSignal.any([outer, stop.signal]);
    return await withDeadline(deps, { ms: callMs, what, signal }, async (waiting) => {
      return await run(clientOn(await deps.control.ready(waiting)), waiting);
    });
  };

  const follow = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        const session = await deps.control.ready(stop.signal);
        deps.model.restart();
        const updates = clientOn(session).watchCluster(
          { namespaces: [...options.namespaces] },
          { signal: stop.signal },
        );
        for await (const update of updates) {
          deps.model.apply(update);
          if (update.synced) first.resolve(undefined);
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        deps.log.debug('watch of the cluster interrupted', { reason: describe(error) });
      }
      await deps.clock.sleep(againMs, stop.signal).catch(() => {});
    }
  };
  const following = follow();

  return {
    async synced(signal) {
      const aborted = Promise.withResolvers<never>();
      const onAbort = (): void => aborted.reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        signal.throwIfAborted();
        await Promise.race([first.promise, aborted.promise]);
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
    lookup: async (query, signal) =>
      await call("lookup by the cluster's DNS", signal, async (client, waiting) => {
        return (await client.lookup({ query }, { signal: waiting })).answer;
      }),
    workloads: async (namespace, signal) =>
      await call('list of workloads', signal, async (client, waiting) => {
        return (await client.listWorkloads({ namespace }, { signal: waiting })).workloads;
      }),
    async followWorkloads(namespace, signal, onWorkloads) {
      const until = AbortSignal.any([signal, stop.signal]);
      while (!until.aborted) {
        try {
          const client = clientOn(await deps.control.ready(until));
          for await (const { workloads } of client.watchWorkloads(
            { namespace },
            { signal: until },
          )) {
            onWorkloads(workloads);
          }
        } catch (error) {
          if (until.aborted) return;
          deps.log.debug('watch of workloads interrupted', { reason: describe(error) });
        }
        await deps.clock.sleep(againMs, until).catch(() => {});
      }
    },
    setLogLevel: async (wanted, signal) => {
      await call('change of the log level', signal, async (client, waiting) => {
        await client.setLogLevel(wanted, { signal: waiting });
      });
    },
    removeAgents: async ({ namespace, workloads }, signal) =>
      await call('removal of agents', signal, async (client, waiting) => {
        return await client.removeAgents(
          { namespace, workloads: [...workloads] },
          { signal: waiting },
        );
      }),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the connection to the cluster ends'));
      await following;
    },
  };
}
