import { create } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import type { Clock } from '#base/clock.ts';
import type { LevelSwitch } from '#base/log.ts';
import {
  ConnectEventSchema,
  GatheredFileSchema,
  InterceptEventSchema,
  type InterceptInfo,
  RootStatusSchema,
  StatusResponseSchema,
  UserDaemon,
  VersionResponseSchema,
  type RootStatus,
  type StatusResponse,
  type VersionResponse,
} from '#protocol/gen/telepresence_pb.ts';
import type { Connector } from '../session/connector.ts';
import type { RootDaemonClient } from '../session/machine.ts';
import { probeSession } from '../session/session-status.ts';
import { list } from '../session/workload-list.ts';
import { holdingNames } from './holding-names.ts';
import { gathering, setLogLevel, uninstallAgents, watching } from './tending.ts';
import { toConnectError } from './failure-error.ts';
import { progressStream } from './progress-stream.ts';

interface Deps {
  readonly clock: Clock;
  readonly connector: Connector;
  readonly version: string;
  readonly executable: string;
  readonly installId: string;
  /** Where a root daemon of this user would be, while no session knows better. */
  readonly rootDaemon: RootDaemonClient;
  /** Ends the process, once the answer is out. */
  readonly quit: () => void;
  readonly level: LevelSwitch;
}

/** The service that the CLI calls. */
export function userDaemonRoutes(deps: Deps): (router: ConnectRouter) => void {
  const { connector } = deps;
  const own: VersionResponse = create(VersionResponseSchema, {
    version: `v${deps.version}`,
    executable: deps.executable,
    name: 'OSS User Daemon',
  });
  return (router) => {
    router.service(UserDaemon, {
      version: () => own,
      async *connect(request, context) {
        const events = progressStream(async (report) => {
          const { signal } = context;
          const info = await connector.connect(request, { report, signal });
          // From now on, and not from when the answer was taken: its taker may just have died.
          const held = request.hold && !info.alreadyConnected ? connector.hold(signal) : undefined;
          return { info, held };
        });
        for await (const event of failing(context, events)) {
          yield create(ConnectEventSchema, {
            event:
              event.kind === 'done'
                ? { case: 'connected', value: event.result.info }
                : { case: 'progress', value: event.text },
          });
          if (event.kind === 'done') await event.result.held;
        }
      },
      status: async (_request, context) =>
        await answering(context, async () => await status(deps, own, context.signal)),
      list: async ({ namespace }, context) =>
        await answering(context, async () => {
          return await list(connector.need(), namespace, context.signal);
        }),
      async *intercept(request, context) {
        const events = progressStream(async (report) => {
          const { intercepts } = connector.need();
          const { signal } = context;
          const info = await intercepts.intercept(request, { report, signal });
          // From now on, and not from when the answer was taken: its taker may just have died.
          const held = request.hold ? intercepts.hold(info.id, signal) : undefined;
          return { info, held };
        });
        for await (const event of failing(context, events)) {
          yield create(InterceptEventSchema, {
            event:
              event.kind === 'done'
                ? { case: 'active', value: event.result.info }
                : { case: event.kind, value: event.text },
          });
          if (event.kind !== 'done') continue;
          const why = (await event.result.held) ?? '';
          if (why !== '') {
            yield create(InterceptEventSchema, { event: { case: 'progress', value: why } });
          }
        }
      },
      async *watchList({ namespace }, context) {
        const { signal } = context;
        yield* failing(context, watching(connector, namespace, signal));
      },
      uninstall: async ({ workloads }, context) =>
        await answering(context, async () => {
          return await uninstallAgents(connector.need(), workloads, context.signal);
        }),
      setLogLevel: async (request, context) =>
        await answering(context, async () => await setLogLevel(deps, request, context.signal)),
      async *gatherLogs({ manager, agents, podYaml }, context) {
        const { signal } = context;
        const wanted = { manager, agents, podYaml };
        for await (const part of failing(context, gathering(connector, wanted, signal))) {
          yield create(GatheredFileSchema, part);
        }
      },
      leave: async (request, context) =>
        await answering(context, async () => {
          return await connector.need().intercepts.leave(request);
        }),
      tryBridge: async ({ device }, context) =>
        await answering(context, async () => {
          connector.need();
          return await deps.rootDaemon.tryBridge({ device }, { signal: context.signal });
        }),
      async *holdNames(request, context) {
        yield* failing(context, holdingNames(connector, request, context.signal));
      },
      disconnect: async (_request, context) =>
        await answering(context, async () => ({ wasConnected: await connector.disconnect() })),
      quit: async (_request, context) =>
        await answering(context, async () => {
          await connector.disconnect();
          deps.quit();
          return {};
        }),
    });
  };
}

/** Every call's errors leave by the one way there is. */
async function answering<T>(context: HandlerContext, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toConnectError(error, context.signal);
  }
}

async function* failing<T>(context: HandlerContext, events: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* events;
  } catch (error) {
    throw toConnectError(error, context.signal);
  }
}

async function status(
  deps: Deps,
  version: VersionResponse,
  signal: AbortSignal,
): Promise<StatusResponse> {
  const { state } = deps.connector;
  const base = { version, installId: deps.installId };
  if (state.kind !== 'connected') {
    const ended = state.kind === 'ended';
    return create(StatusResponseSchema, {
      ...base,
      status: ended ? 'Disconnected' : 'Not connected',
      error: ended ? state.reason : '',
      ...(ended ? { connection: state.info } : {}),
      root: await idleRootStatus(deps, signal),
    });
  }
  const { session } = state;
  const [probe, root] = await Promise.all([
    probeSession(deps, session, signal),
    session.rootStatus(signal),
  ]);
  const alive = probe.kind === 'alive';
  return create(StatusResponseSchema, {
    ...base,
    status: alive ? 'Connected' : 'Disconnected',
    error: alive ? '' : probe.reason,
    connection: session.info,
    intercepts: session.intercepts.list().map((info) => (alive ? info : outOfReach(info))),
    root,
    managerVersion: session.model.info?.managerVersion ?? '',
    agentImage: session.model.info?.agentImage ?? '',
    transport: session.tunnels.ways.join(', '),
    rttMs: alive ? probe.rttMs : 0,
    mappedNamespaces: [...session.mappedNamespaces],
  });
}

/** What we last heard of an intercept is no longer so where nothing can reach us. */
function outOfReach(info: InterceptInfo): InterceptInfo {
  if (info.state !== 'ACTIVE' && info.state !== 'WAITING') return info;
  const message = info.replaced
    ? 'without a tunnel nobody answers, until the container comes back by itself'
    : 'without a tunnel the app answers';
  return { ...info, state: 'DISCONNECTED', message };
}

async function idleRootStatus(deps: Deps, signal: AbortSignal): Promise<RootStatus> {
  try {
    return await deps.rootDaemon.status({}, { signal });
  } catch {
    signal.throwIfAborted();
    return create(RootStatusSchema, { running: false });
  }
}
