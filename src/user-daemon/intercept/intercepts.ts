import { createClient } from '@connectrpc/connect';
import { describe } from '#base/errors.ts';
import { withDeadline } from '#base/wait.ts';
import {
  Agent,
  type GetEnvironmentResponse,
  type InterceptInfo,
  type InterceptRequest,
  type ServiceInfo,
} from '#protocol/gen/telepresence_pb.ts';
import type { Intercept } from '#protocol/resources.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';
import { handlerEnvironment } from '../env/pod-environment.ts';
import { UserDaemonError } from '../errors.ts';
import type { Mounts } from '../mounts/mounts.ts';
import type { PodPorts } from '../pod-ports/pod-ports.ts';
import type { Tunnels } from '../session/tunnels.ts';
import { checkPorts } from './check-ports.ts';
import { createIntercept, deleteIntercept, type InterceptDeps } from './create-intercept.ts';
import { interceptInfo } from './intercept-info.ts';
import { wantedIntercept, type WantedIntercept } from './intercept-request.ts';
import type { LocalPort } from './intercept-table.ts';
import { protocolAsked } from './protocol-asked.ts';
import { takeTurns } from './turns.ts';
import type { Report } from './until-active.ts';

interface Deps extends InterceptDeps {
  readonly random: () => number;
  readonly tunnels: Pick<Tunnels, 'outbound' | 'pickOutbound'>;
  readonly mounts: Pick<Mounts, 'add' | 'drop' | 'retain' | 'stateOf'>;
  readonly podPorts: Pick<PodPorts, 'ownerOf' | 'reserve'>;
  /** Of the namespaces that the manager tells us of. */
  readonly services: () => Iterable<Pick<ServiceInfo, 'namespace' | 'name' | 'ports'>>;
}

/** The intercepts of one session. */
export interface Intercepts {
  list(): readonly InterceptInfo[];
  /** Calls `onChange` after each change of the list, until disposed. */
  follow(onChange: () => void): Disposable;
  /** Makes one; resolves when it is active and its environment is known. */
  intercept(
    request: InterceptRequest,
    options: { readonly report: Report; readonly signal: AbortSignal },
  ): Promise<InterceptInfo>;
  /**
   * Resolves when the intercept has ended, or another has taken it over, with why where that is
   * known; ends it then, and when `signal` aborts. Does not reject.
   */
  hold(id: string, signal: AbortSignal): Promise<string>;
  /**
   * Ends one, by its id or, where that is empty, by its name; an ingest also by its workload's, and its
   * container where there are several. Tells which container comes back, if one does.
   */
  leave(options: {
    readonly name: string;
    readonly id: string;
    readonly container?: string;
  }): Promise<{ readonly restored?: string; readonly workload?: string }>;
  /** Ends them all; what cannot be ended is logged. */
  leaveAll(): Promise<void>;
}

const environmentMs = 5000;
const againMs = 200;

/** Makes and ends intercepts, one at a time. */
export function openIntercepts(
  deps: Deps,
  options: { readonly onCount: (count: number) => void },
): Intercepts {
  const { table, mounts } = deps;
  const turns = takeTurns();
  /** Two at once could both find a name or a port free. */
  const inTurn: typeof turns = async (what, run, waiting) => {
    try {
      return await turns(what, run, waiting);
    } finally {
      options.onCount(table.intercepts.length);
    }
  };

  const end = async (intercept: Intercept): Promise<void> => {
    // While the agent is still there to be asked by whatever stands in them.
    await mounts.drop(intercept.metadata.uid);
    await deleteIntercept(deps, intercept);
  };
  const infoOf = (intercept: Intercept): InterceptInfo => ({
    ...interceptInfo(intercept),
    ...mounts.stateOf(intercept.metadata.uid),
  });

  const leave: Intercepts['leave'] = async ({ name, id, container = '' }) =>
    await inTurn(`leave ${name}`.trimEnd(), async () => {
      // By its id it was ours; where it is gone now, that is what was asked for.
      const found = id === '' ? findNamed(table, name, container) : table.byUid(id);
      if (found === undefined) return {};
      await end(found);
      const { container: aside = '' } = found.status;
      if (found.spec.replaceContainer !== true || aside === '') return {};
      return { restored: aside, workload: nameOf(found) };
    });

  return {
    list: () => table.intercepts.map(infoOf),
    follow: (onChange) => table.follow(onChange),
    intercept: async (request, { report, signal }) => {
      const make = async (): Promise<InterceptInfo> => {
        const wanted = wantedIntercept(request, deps.connection);
        const check = (targets: readonly LocalPort[]): void =>
          checkPorts(deps, { ...wanted, targets });
        const likely = protocolAsked(wanted, deps.services());
        check(wanted.targets.map(({ protocol = likely, ...target }) => ({ ...target, protocol })));
        const active = await withPodPorts(deps.podPorts, wanted, async () => {
          return await createIntercept(deps, wanted, { report, check, signal });
        });
        try {
          const found = await readEnvironment(deps, active, signal);
          const id = `${deps.connection.uid}:${active.spec.name}`;
          const mountPoint = await mountVolumes(deps, { active, request, found }, signal);
          const environment = handlerEnvironment(found, { id, mountPoint });
          return { ...infoOf(active), environment: { ...environment } };
        } catch (error) {
          await end(active).catch(() => {});
          throw error;
        }
      };
      return await inTurn(`intercept ${request.name}`, make, { report, signal });
    },
    async hold(id, signal) {
      const namespace = table.byUid(id)?.metadata.namespace;
      if (namespace === undefined) return '';
      const over = (found: Intercept | undefined): string | undefined => {
        if (found === undefined) return '';
        const { reason, message = '' } = found.status;
        return reason === 'TakenOver' ? message : undefined;
      };
      // It rejects when the session ends, too: that has ended the intercept before.
      const why = await deps.own.until(namespace, id, over, signal).catch(() => '');
      // Where this fails the log says so, and nobody is left who could be told.
      await leave({ name: '', id }).catch(() => {});
      return why;
    },
    leave,
    leaveAll: async () =>
      await inTurn('quit', async () => {
        await Promise.all(table.intercepts.map(async (each) => await end(each).catch(() => {})));
      }),
  };
}

/** `Deployment hello` */
function nameOf({ spec, status }: Intercept): string {
  return `${status.workloadKind ?? 'workload'} ${spec.workload.name}`;
}

/** What of ours is called so. */
function findNamed(
  table: Pick<InterceptDeps['table'], 'byName' | 'ingestsOf'>,
  name: string,
  container: string,
): Intercept {
  const exact = container === '' ? table.byName(name) : undefined;
  const [only, ...others] = exact === undefined ? table.ingestsOf(name, container) : [exact];
  const shown = container === '' ? name : `${name}/${container}`;
  if (only === undefined) {
    throw new UserDaemonError('InterceptNotFound', `no intercept ${shown}`, {
      facts: { name: shown },
    });
  }
  if (others.length === 0) return only;
  const names = [only, ...others].map(({ spec }) => spec.name);
  throw new UserDaemonError(
    'InterceptFailed',
    `there are several ingests of ${name}: ${names.join(', ')}`,
    { facts: { name, hint: `name the one that is meant: telepresence leave ${only.spec.name}` } },
  );
}

/** Shows the container's volumes if that is asked for, and tells where. */
async function mountVolumes(
  { table, mounts }: Pick<Deps, 'table' | 'mounts'>,
  of: {
    readonly active: Intercept;
    readonly request: InterceptRequest;
    readonly found: GetEnvironmentResponse;
  },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (of.request.mount === undefined) return undefined;
  // The one that this takes over from may have been mounted at the same place.
  await mounts.retain(table.intercepts.map(({ metadata }) => metadata.uid));
  const interceptUid = of.active.metadata.uid;
  const wanted = { interceptUid, request: of.request.mount, found: of.found };
  const { mountPoint } = await mounts.add(wanted, signal);
  return mountPoint === '' ? undefined : mountPoint;
}

/** Listens for the pod's ports before anything is changed, and gives them up where it comes to nothing. */
async function withPodPorts(
  podPorts: Pick<PodPorts, 'reserve'>,
  { spec, toPod }: WantedIntercept,
  make: () => Promise<Intercept>,
): Promise<Intercept> {
  const reserved = await podPorts.reserve(spec.name, toPod);
  try {
    const active = await make();
    reserved.give(active.metadata.uid);
    return active;
  } catch (error) {
    await reserved.release();
    throw error;
  }
}

/** The container's environment, from its agent; asked again while the agent comes up. */
async function readEnvironment(
  deps: Deps,
  intercept: Intercept,
  signal: AbortSignal,
): Promise<GetEnvironmentResponse> {
  const headers = { 'telepresence-intercept': intercept.metadata.uid };
  const container = intercept.spec.container ?? intercept.status.container ?? '';
  let why = 'no answer';
  const what = `environment of ${intercept.spec.name}`;
  try {
    return await withDeadline(deps, { ms: environmentMs, what, signal }, async (waiting) => {
      for (;;) {
        const session = deps.tunnels.pickOutbound() ?? (await deps.tunnels.outbound.ready(waiting));
        const agent = createClient(Agent, rpcTransport(session, { headers }));
        try {
          return await agent.getEnvironment({ container }, { signal: waiting });
        } catch (error) {
          waiting.throwIfAborted();
          why = describe(error);
        }
        await deps.clock.sleep(againMs, waiting);
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new UserDaemonError('EnvironmentUnavailable', why, { cause: error });
  }
}
