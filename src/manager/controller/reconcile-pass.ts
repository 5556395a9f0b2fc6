import type { Clock } from '#base/clock.ts';
import { turnLevel, type LevelSwitch, type Logger } from '#base/log.ts';
import { askedLogLevel } from '../state/asked-log-level.ts';
import { plan, type Plan } from '../state/plan.ts';
import type { AgentHub } from './agent-hub.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { ControllerOptions } from './controller-options.ts';
import type { Injector } from './injector.ts';
import type { KnownCluster } from './known-cluster.ts';
import type { RelayHub } from './relay-hub.ts';
import {
  managerAddresses,
  namespaceOf,
  ownAddresses,
  policiesAgainstAgents,
  replacingWorkloads,
  viewOf,
} from './views.ts';
import type { Writing } from './writing.ts';

interface Deps {
  readonly clock: Pick<Clock, 'after' | 'monotonic' | 'now'>;
  readonly log: Logger;
  readonly level?: LevelSwitch;
  readonly watched: ClusterWatch;
  readonly known: KnownCluster;
  readonly agents: AgentHub;
  readonly relay: RelayHub;
  readonly injector: Injector;
  readonly writing: Writing;
  /** When the controller started, by either clock. */
  readonly started: { readonly monotonicMs: number; readonly ms: number };
  /** Whether a pod of ours runs. */
  readonly runs: (pod: string) => boolean;
  /** Whether it is us who write. */
  readonly isLeader: () => boolean;
  /** Asks for another pass. */
  readonly request: () => void;
  /** Everybody has been told what this pass has decided. */
  readonly onTold: () => void;
}

/** One look at the cluster, and all that follows from it. */
export interface ReconcilePass extends Disposable {
  run(): Promise<void>;
}

/** After a start, laptops and agents get this long to come back before anybody is called gone. */
const settleMs = 5000;
/** Somebody waits for an agent: that it does not come must be found out soon. */
const waitingMs = 500;

/** A pass that can be made again and again. */
export function createReconcilePass(deps: Deps, options: ControllerOptions): ReconcilePass {
  const { clock, log, watched, known, agents, relay, injector, writing } = deps;
  const { config, signal } = options;
  const { started } = deps;
  let waiting: Disposable | undefined;

  const planned = (): Plan => {
    const replacing = replacingWorkloads(watched, config.interceptable);
    return plan({
      connections: writing.connections(watched.connections.values()),
      intercepts: writing.intercepts(watched.intercepts.values()),
      view: viewOf(
        watched,
        config.interceptable,
        new Set(
          [
            ...watched.intercepts.values(),
            ...[...watched.connections.values()].filter(({ spec }) => spec.via !== undefined),
            ...replacing.map((workload) => workload.object),
          ].map(namespaceOf),
        ),
      ),
      replacing,
      namespace: (name) => watched.namespaces.get(name),
      facts: {
        isHere: (uid) => relay.isHere(uid),
        isAttached: (podUid) => agents.isAttached(podUid),
        takeState: (podUid, interceptUid) => agents.takeState(podUid, interceptUid),
      },
      injectionRefusals: injector.refusals,
      manager: { publicKey: options.publicKey, ca: options.ca, version: config.version },
      lifetimes: { graceMs: config.interceptGraceMs, ttlMs: config.connectionTtlMs },
      nowMs: clock.now(),
      startedMs: started.ms,
      replicas: { own: options.own.pod, runs: deps.runs },
      policiesAgainst: (workload) => policiesAgainstAgents(watched, config, workload),
    });
  };

  const tell = async (next: Plan): Promise<void> => {
    const logLevel = askedLogLevel(watched.connections.values(), clock.now()) ?? '';
    turnLevel({ log, level: deps.level }, logLevel);
    // The relay must know whom a status invites.
    await relay.publish(
      {
        ...next.served,
        dialableSubnets: [
          ...known.network.serviceSubnets,
          ...known.network.podSubnets,
          ...config.routing.alsoProxySubnets,
        ],
        refusedSubnets: ownAddresses(watched, config.namespace),
        ownNamespacesOnly: config.outbound === 'namespaces',
        logLevel,
      },
      signal,
    );
    agents.publish(next.takes, managerAddresses(watched, config.namespace), logLevel);
    deps.onTold();
  };

  return {
    async run() {
      known.lookAtNetwork(watched);
      const next = planned();
      await tell(next);
      if (!deps.isLeader()) {
        injector.need(new Map());
        writing.presence(next);
        return;
      }
      injector.need(next.injections);
      writing.all(next, { settling: clock.monotonic() - started.monotonicMs < settleMs });
      const isWaiting = [...next.interceptStatus.values()].some(({ state }) => state === 'Waiting');
      waiting?.[Symbol.dispose]();
      waiting = isWaiting ? clock.after(waitingMs, deps.request) : undefined;
      await writing.sweep(next);
    },
    [Symbol.dispose]: () => waiting?.[Symbol.dispose](),
  };
}
