import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { AgentRole } from '#tunnel/agent-handshake.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import {
  keepConnections,
  leastBusy,
  renewEveryMs,
  type ConnectionSet,
} from '#tunnel/connection-set.ts';
import { busyIntervalMs, idleIntervalMs, watchLiveness, type Liveness } from '#tunnel/liveness.ts';
import type { ReceiveWindows } from '#tunnel/receive-windows.ts';
import { serveSession, type ServeOptions } from '#tunnel/server-session.ts';
import type { SessionLife } from '#tunnel/session-life.ts';

import type { Inbound } from '../take/accept.ts';
import { connectToManager, isDenial, type ManagerAddress } from './connect.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly readToken: () => Promise<string>;
  /** What may be under way to this process, from all managers together. */
  readonly windows: ReceiveWindows;
  /** What the relay may ask over the outbound session. */
  readonly serve: ServeOptions;
  /** A control session is there; its signal aborts when it has ended. */
  readonly onControl: (session: ClientSession, ended: AbortSignal) => void;
  /** Whether connections can be brought to this manager. */
  readonly onReachable: (reachable: boolean) => void;
  /** Its last connection has ended. */
  readonly onDown: () => void;
}

/** The agent's connections to one manager, one for each role, kept up. */
export interface ManagerLink extends AsyncDisposable {
  /** The session by which taken connections go; undefined while there is none. */
  inbound(): Inbound | undefined;
  /** Whether there is any connection to it. */
  readonly isUp: boolean;
  /** While something is taken a dead link must be noticed soon. */
  setBusy(busy: boolean): void;
}

/** A restarted manager is not met by all of its agents in the same moment. */
const spreadMs = 300;

/** Starts to connect, and never gives up. */
export function keepManagerLink(deps: Deps, manager: ManagerAddress): ManagerLink {
  const watched = new Map<SessionLife, Liveness>();
  let intervalMs = idleIntervalMs;
  let reachable = false;

  const keep = <S extends SessionLife>(
    role: AgentRole,
    open: (socket: Awaited<ReturnType<typeof connectToManager>>) => S,
    onChange?: (open: number) => void,
  ): ConnectionSet<S> => {
    const log = deps.log.child({ role });
    let again = false;
    let said = '';
    const dial = async (signal: AbortSignal): Promise<S> => {
      if (again) await deps.clock.sleep(deps.random() * spreadMs, signal);
      again = true;
      const session = open(await connectToManager(deps, { manager, role }, signal));
      log.info('session opened');
      watched.set(session, watchLiveness(deps, session, { intervalMs }));
      void session.closed.then((end) => {
        watched.delete(session);
        if (watched.size === 0) deps.onDown();
        log.info('session ended', { reason: end.kind === 'lost' ? describe(end.error) : 'closed' });
      });
      return session;
    };
    return keepConnections(
      {
        clock: deps.clock,
        log,
        random: deps.random,
        dial,
        onChange(state) {
          onChange?.(state.open);
          const trouble = state.open > 0 ? '' : describe(state.trouble);
          if (trouble !== '' && trouble !== said) log.warning('no session', { reason: trouble });
          said = trouble;
        },
      },
      { size: 1, firstMs: 100, lastMs: 2000, renewEveryMs, isDenial },
    );
  };

  const sets = new AsyncDisposableStack();
  sets.use(keep('outbound', (socket) => serveSession(socket, { ...deps, ...deps.serve })));
  const inbound = sets.use(
    keep(
      'inbound',
      (socket) => openClientSession(socket, deps),
      (open) => {
        if (open > 0 === reachable) return;
        reachable = open > 0;
        deps.onReachable(reachable);
      },
    ),
  );
  sets.use(
    keep('control', (socket) => {
      const session = openClientSession(socket, { clock: deps.clock, log: deps.log });
      const ended = new AbortController();
      void session.closed.then(() => ended.abort(new Error('session ended')));
      deps.onControl(session, ended.signal);
      return session;
    }),
  );

  return {
    inbound() {
      const session = leastBusy(inbound.members);
      if (session === undefined) return undefined;
      return { session, rttMs: watched.get(session)?.shortestRttMs };
    },
    get isUp() {
      return watched.size > 0;
    },
    setBusy(busy) {
      const ms = busy ? busyIntervalMs : idleIntervalMs;
      if (ms === intervalMs) return;
      intervalMs = ms;
      for (const liveness of watched.values()) liveness.setInterval(ms);
    },
    [Symbol.asyncDispose]: () => sets.disposeAsync(),
  };
}
