import { accessFor } from './access-for.ts';
import { create } from '@bufbuild/protobuf';
import { describe } from '#base/errors.ts';
import { withDeadline } from '#base/wait.ts';
import {
  ConnectionInfoSchema,
  type ConnectionInfo,
  type ConnectRequest,
} from '#protocol/gen/telepresence_pb.ts';
import { UserDaemonError } from '../errors.ts';
import { openSession, type Session } from './session.ts';
import type { SessionDeps } from './session-deps.ts';

/** Whether there is a session, and if not, whether one was lost. */
export type ConnectorState =
  | { readonly kind: 'none' }
  | { readonly kind: 'connected'; readonly session: Session }
  | { readonly kind: 'ended'; readonly info: ConnectionInfo; readonly reason: string };

/** Holds the one session that there is. */
export interface Connector extends AsyncDisposable {
  readonly state: ConnectorState;
  /** The session, or a failure that says that there is none. */
  need(): Session;
  connect(
    request: ConnectRequest,
    options: { readonly report: (text: string) => void; readonly signal: AbortSignal },
  ): Promise<ConnectionInfo>;
  /** Resolves when the session that there is now has ended; ends it when `signal` aborts. */
  hold(signal: AbortSignal): Promise<void>;
  /** Whether there was anything to end. */
  disconnect(): Promise<boolean>;
}

const machineMs = 5000;

/** No session at first. */
export function createConnector(deps: SessionDeps): Connector {
  let state: ConnectorState = { kind: 'none' };
  let ended = Promise.withResolvers<undefined>();
  let last: Promise<unknown> = Promise.resolve();
  /** Connecting and disconnecting wait for one another. */
  const inTurn = async <T>(run: () => Promise<T>): Promise<T> => {
    const turn = last.then(run, run);
    last = turn.catch(() => {});
    return await turn;
  };

  const end = async (next: ConnectorState): Promise<void> => {
    const before = state;
    state = next;
    if (before.kind !== 'connected') return;
    ended.resolve(undefined);
    await before.session[Symbol.asyncDispose]();
  };

  const watchEnd = async (session: Session): Promise<void> => {
    const reason = await Promise.race([
      session.deleted.then(() => 'the Connection was deleted in the cluster; connect again'),
      session.tunnels.denied.then(
        (error) =>
          `the cluster does not let you in any more (${describe(error)}); ask an administrator of the cluster, then connect again`,
      ),
    ]);
    await inTurn(async () => {
      if (state.kind !== 'connected' || state.session !== session) return;
      deps.log.warning('session ended by the cluster', { name: session.info.name, reason });
      await end({ kind: 'ended', info: session.info, reason });
    });
  };

  const again = async (
    session: Session,
    request: ConnectRequest,
    signal: AbortSignal,
  ): Promise<ConnectionInfo> => {
    const access = await accessFor(deps, request);
    if (!session.matches(request, access)) {
      throw new UserDaemonError('AlreadyConnected', 'connected to another cluster or namespace', {
        facts: { context: session.info.context, namespace: session.info.namespace },
      });
    }
    // The root daemon may have been started anew by whoever asks.
    const what = 'root daemon';
    await withDeadline(deps, { ms: machineMs, what, signal }, async (waiting) => {
      await session.machineApplied(waiting);
    });
    return create(ConnectionInfoSchema, { ...session.info, alreadyConnected: true });
  };

  return {
    get state() {
      return state;
    },
    need() {
      if (state.kind === 'connected') return state.session;
      throw new UserDaemonError(
        'NotConnected',
        state.kind === 'ended' ? state.reason : 'not connected',
      );
    },
    connect: async (request, { report, signal }) =>
      await inTurn(async () => {
        signal.throwIfAborted();
        if (state.kind === 'connected') return await again(state.session, request, signal);
        const started = deps.clock.monotonic();
        const access = await accessFor(deps, request);
        const session = await openSession(deps, { request, access, report, signal });
        state = { kind: 'connected', session };
        ended = Promise.withResolvers();
        deps.log.info('connected', {
          context: access.context,
          namespace: access.namespace,
          ms: Math.round(deps.clock.monotonic() - started),
        });
        watchEnd(session).catch((error: unknown) => {
          deps.log.error('session not ended', { reason: describe(error) });
        });
        return session.info;
      }),
    async hold(signal) {
      if (state.kind !== 'connected') return;
      const { session } = state;
      const aborted = Promise.withResolvers<undefined>();
      signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true });
      if (signal.aborted) aborted.resolve(undefined);
      await Promise.race([ended.promise, aborted.promise]);
      await inTurn(async () => {
        if (state.kind === 'connected' && state.session === session) await end({ kind: 'none' });
      });
    },
    disconnect: async () =>
      await inTurn(async () => {
        const was = state.kind === 'connected';
        await end({ kind: 'none' });
        return was;
      }),
    async [Symbol.asyncDispose]() {
      await inTurn(async () => await end({ kind: 'none' }));
    },
  };
}
