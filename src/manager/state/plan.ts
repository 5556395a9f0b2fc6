import type {
  Connection,
  ConnectionStatus,
  Intercept,
  InterceptStatus,
} from '#protocol/resources.ts';
import { decideClaims, type Claim } from './claims.ts';
import type { NamespaceObject } from './cluster-objects.ts';
import { connectionStatusOf, type ManagerIdentity } from './connection-status.ts';
import { connectionPhase, graceEnd, type ConnectionPhase, type Lifetimes } from './grace.ts';
import { addNeed, injectionNeed, type InjectionNeed } from './injection-need.ts';
import { interceptStatusOf } from './intercept-status.ts';
import { podFacts, type Facts, type PodFact } from './pod-facts.ts';
import { isElsewhere, presenceIn, type Replicas } from './replicas.ts';
import type { Refusal } from './refusal.ts';
import { isAside, replacementsOf, restoration, type Replacements } from './replacements.ts';
import { addTakes, servedIntercept, type PlannedIntercept, type PlannedTake } from './served.ts';
import { resolveTarget, type Target } from './target.ts';
import { planVias, type PlannedVia } from './via.ts';
import type { ClusterView, Workload } from './view.ts';

/** Everything that the manager knows. */
export interface World {
  readonly connections: readonly Connection[];
  readonly intercepts: readonly Intercept[];
  readonly view: ClusterView;
  namespace(name: string): NamespaceObject | undefined;
  readonly facts: Facts;
  /** Why agents could not be brought into a workload, by the UID of the Intercept that wants them. */
  readonly injectionRefusals: ReadonlyMap<string, Refusal>;
  readonly manager: ManagerIdentity;
  readonly lifetimes: Lifetimes;
  readonly nowMs: number;
  /** When this manager started. */
  readonly startedMs: number;
  readonly replicas: Replicas;
  /** Workloads of which some container has stepped aside, wherever they are. */
  readonly replacing: readonly Workload[];
  /** NetworkPolicies that keep agents in pods of this workload from the managers, in words. */
  policiesAgainst(workload: Workload): readonly string[];
}

/** Everything that follows from it. */
export interface Plan {
  readonly connectionStatus: ReadonlyMap<Connection, ConnectionStatus>;
  /** The same with nothing changed but what this replica says of itself: for those that hold no Lease. */
  readonly presence: ReadonlyMap<Connection, ConnectionStatus>;
  readonly interceptStatus: ReadonlyMap<Intercept, InterceptStatus>;
  /** By pod UID; for laptops that have a reverse session here. */
  readonly takes: ReadonlyMap<string, readonly PlannedTake[]>;
  readonly served: {
    readonly connections: readonly Connection[];
    readonly intercepts: readonly PlannedIntercept[];
    readonly vias: readonly PlannedVia[];
  };
  /** By workload UID. */
  readonly injections: ReadonlyMap<string, InjectionNeed>;
  readonly expired: readonly Connection[];
  /** Intercepts whose Connection is gone or is another user's. */
  readonly orphaned: readonly Intercept[];
}

/** What is to be done: a pure function, run anew after every change. */
export function plan(world: World): Plan {
  const phases = new Map(world.connections.map((one) => [one.metadata.uid, phaseOf(world, one)]));
  const serving = world.connections.filter((one) => phases.get(one.metadata.uid) !== 'expired');
  const byUid = new Map(serving.map((one) => [one.metadata.uid, one]));
  const intercepts = world.intercepts.filter((one) => one.metadata.deletionTimestamp === undefined);
  const owned = intercepts.filter((one) => isOwned(one, byUid));
  const resolved = new Map(
    owned.map((one) => [one, resolveTarget(world.view, one.metadata.namespace, one.spec)]),
  );
  const claims = decideClaims(claimsOf(world, resolved, { phases, byUid }));
  const phaseAt = ({ spec }: Intercept): ConnectionPhase =>
    phases.get(spec.connection.uid) ?? 'expired';
  const replacements = replacementsOf(
    [...claims.held.values()].map(({ intercept, target }) => ({
      target,
      phase: phaseAt(intercept),
    })),
  );
  const injections = new Map<string, InjectionNeed>();
  const takes = new Map<string, PlannedTake[]>();
  const served: PlannedIntercept[] = [];
  const interceptStatus = new Map<Intercept, InterceptStatus>();
  for (const [intercept, outcome] of resolved) {
    const { uid } = intercept.metadata;
    const live = phaseAt(intercept) === 'live';
    const target = outcome.ok ? outcome.value : undefined;
    const held = claims.held.has(uid);
    const all =
      target === undefined || !held
        ? []
        : podFacts(world.view, world.facts, { target, interceptUid: uid });
    const pods = all.filter(({ ending }) => !ending);
    const need =
      target === undefined || !held
        ? undefined
        : needOf(world, { interceptUid: uid, target, replacements }, pods);
    if (need !== undefined && live) addNeed(injections, need);
    if (target !== undefined && held) {
      // Endpoints lag behind: to its end a pod may get requests, and they are the laptop's.
      served.push(servedIntercept(intercept, target, all));
      if (world.facts.isHere(intercept.spec.connection.uid)) {
        addTakes(takes, intercept, target, all);
      }
    }
    const refusal = outcome.ok
      ? (claims.refused.get(uid) ?? (need && world.injectionRefusals.get(uid)))
      : outcome.refusal;
    interceptStatus.set(
      intercept,
      interceptStatusOf({
        intercept,
        target,
        refusal,
        live,
        pods,
        ...(target !== undefined && held && !live && isAside(replacements, target)
          ? { asideUntilMs: backAt(world, byUid.get(intercept.spec.connection.uid)) }
          : {}),
        ending: all.filter(({ ending, able }) => ending && !able).length,
        nowMs: world.nowMs,
        startedMs: world.startedMs,
        policies: waits(intercept, target) ? world.policiesAgainst(target.workload) : [],
      }),
    );
  }
  const vias = serving.flatMap((one) =>
    planVias(world, one, phases.get(one.metadata.uid) === 'live'),
  );
  for (const { need } of vias) if (need !== undefined) addNeed(injections, need);
  for (const workload of world.replacing) {
    const { uid } = workload.object.metadata;
    // What is changed for somebody else leaves out who need not be aside.
    if (injections.get(uid)?.recreateOnly === false) continue;
    const back = restoration(world.view, workload, replacements);
    if (back !== undefined) injections.set(uid, back);
  }
  return {
    connectionStatus: connectionStatuses(world, serving, vias),
    presence: presences(world, serving),
    interceptStatus,
    takes,
    served: { connections: serving, intercepts: served, vias },
    injections,
    expired: world.connections.filter((one) => !byUid.has(one.metadata.uid)),
    orphaned: intercepts.filter((one) => !isOwned(one, byUid)),
  };
}

/** Only of who waits for agents it matters what keeps them. */
function waits(intercept: Intercept, target: Target | undefined): target is Target {
  const { state } = intercept.status;
  return target !== undefined && (state === undefined || state === 'Waiting');
}

function phaseOf(world: World, connection: Connection): ConnectionPhase {
  const { nowMs, startedMs, replicas } = world;
  const live =
    world.facts.isHere(connection.metadata.uid) || isElsewhere(connection.status, replicas, nowMs);
  return connectionPhase(connection, { live, nowMs, startedMs }, world.lifetimes);
}

/** An Intercept counts only with the very Connection that it names, of the same user. */
function isOwned(intercept: Intercept, byUid: ReadonlyMap<string, Connection>): boolean {
  const { connection, user } = intercept.spec;
  const owner = byUid.get(connection.uid);
  return (
    owner !== undefined &&
    owner.spec.user === user &&
    owner.metadata.namespace === connection.namespace &&
    owner.metadata.name === connection.name
  );
}

function claimsOf(
  world: World,
  resolved: ReadonlyMap<Intercept, ReturnType<typeof resolveTarget>>,
  owners: {
    readonly phases: ReadonlyMap<string, ConnectionPhase>;
    readonly byUid: ReadonlyMap<string, Connection>;
  },
): Claim[] {
  const claims: Claim[] = [];
  for (const [intercept, outcome] of resolved) {
    if (!outcome.ok) continue;
    const { uid } = intercept.spec.connection;
    const phase = owners.phases.get(uid);
    const owner = owners.byUid.get(uid);
    const freeAtMs =
      phase === 'grace' && owner?.status.state === 'Disconnected'
        ? graceEnd(owner, world, world.lifetimes)
        : undefined;
    claims.push({ intercept, target: outcome.value, pastGrace: phase === 'lost', freeAtMs });
  }
  return claims;
}

function needOf(
  world: World,
  claim: {
    readonly interceptUid: string;
    readonly target: Target;
    readonly replacements: Replacements;
  },
  pods: readonly PodFact[],
): InjectionNeed | undefined {
  const { uid, namespace } = claim.target.workload.object.metadata;
  const replace = claim.replacements.get(uid) ?? [];
  return injectionNeed(world.namespace(namespace), { ...claim, replace }, pods);
}

/** When a container comes back whose laptop is gone. */
function backAt(world: World, owner: Connection | undefined): number {
  return owner === undefined ? world.nowMs : graceEnd(owner, world, world.lifetimes);
}

function connectionStatuses(
  world: World,
  serving: readonly Connection[],
  vias: readonly PlannedVia[],
): Map<Connection, ConnectionStatus> {
  return new Map(
    serving.map((connection) => [
      connection,
      connectionStatusOf(connection, world.manager, {
        here: world.facts.isHere(connection.metadata.uid),
        replicas: world.replicas,
        nowMs: world.nowMs,
        vias: vias.filter(({ connectionUid }) => connectionUid === connection.metadata.uid),
      }),
    ]),
  );
}

function presences(
  { facts, replicas, nowMs }: World,
  serving: readonly Connection[],
): Map<Connection, ConnectionStatus> {
  return new Map(
    serving.map((connection) => {
      const { metadata, status } = connection;
      const own = { here: facts.isHere(metadata.uid), own: replicas.own, nowMs };
      return [connection, { ...status, ...presenceIn(status, own) }];
    }),
  );
}
