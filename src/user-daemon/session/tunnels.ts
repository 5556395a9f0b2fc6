import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { isKubeError } from '#kube/errors.ts';
import { isHopeless, type RelayDialer, type RelayRequest } from '#kube/dial-relay.ts';
import { relayPaths, type RelayPath } from '#kube/relay-paths.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import {
  keepConnections,
  leastBusy,
  renewEveryMs as hourlyMs,
  type ConnectionSet,
} from '#tunnel/connection-set.ts';
import { encodeNonce, newNonce, type LaptopRole } from '#tunnel/handshake-proof.ts';
import type { Signer } from '#tunnel/keys.ts';
import { enterAsLaptop } from '#tunnel/laptop-handshake.ts';
import { busyIntervalMs, idleIntervalMs, watchLiveness, type Liveness } from '#tunnel/liveness.ts';
import { createReceiveWindows, receiveBudgets } from '#tunnel/receive-windows.ts';
import { serveSession, type IncomingFlow, type ServerSession } from '#tunnel/server-session.ts';
import type { SessionLife } from '#tunnel/session-life.ts';
import { returnToBetter } from './return-to-better.ts';

interface Deps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly dialer: RelayDialer;
  readonly signer: Signer;
  /** An hour unless said. */
  readonly renewEveryMs?: number;
}

interface Options {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly managerKey: string;
  readonly onFlow: (flow: IncomingFlow) => void;
}

/** The sessions with the relay, by what they are for. */
export interface Tunnels extends AsyncDisposable {
  readonly control: ConnectionSet<ClientSession>;
  readonly outbound: ConnectionSet<ClientSession>;
  readonly reverse: ConnectionSet<ServerSession>;
  /** How the connections got there, best first: one way, except while moving to another. */
  readonly ways: readonly RelayPath[];
  /** Round trip on the control session, in milliseconds. */
  readonly rttMs: number | undefined;
  /** Rejects when no path works and waiting will not mend it. */
  readonly hopeless: Promise<never>;
  /** Resolves when a right that we had is gone for good; every session has been dropped then. */
  readonly denied: Promise<Error>;
  /** The outbound session that a new flow disturbs least. */
  pickOutbound(): ClientSession | undefined;
  /** While something is intercepted, a dead link is noticed sooner. */
  setIntercepting(intercepting: boolean): void;
  /** Opens every connection anew, each before its old one goes. */
  renew(): void;
}

const sizes = { control: 1, outbound: 4, reverse: 2 } as const;

// The relay lets in whoever the API server has let through.
const isDenial = (error: Error): boolean => isKubeError(error, 'Forbidden', 'Unauthorized');

/** Opens all of them at once, and keeps them up. */
export function openTunnels(deps: Deps, options: Options): Tunnels {
  let intervalMs = idleIntervalMs;
  const watched = new Map<SessionLife, Liveness>();
  const paths = new Map<SessionLife, RelayPath>();

  const denied = Promise.withResolvers<Error>();
  const hopeless = Promise.withResolvers<never>();
  hopeless.promise.catch(() => {});
  /** What is dialled for a role: its address, and the proofs of both sides. */
  const relayRequest = <T>(
    role: LaptopRole,
    signal: AbortSignal,
    start: (duplex: Duplex) => T | Promise<T>,
  ): RelayRequest<T> => {
    const laptopNonce = newNonce();
    return {
      path: `/tunnel/${options.namespace}/${options.name}/${role}`,
      nonce: encodeNonce(laptopNonce),
      signal,
      enter: async (duplex, waiting) => {
        await enterAsLaptop(deps, duplex, {
          connectionUid: options.uid,
          role,
          laptopNonce,
          managerKey: options.managerKey,
          signal: waiting,
        });
        return await start(duplex);
      },
    };
  };
  const watch = <S extends SessionLife>(session: S): S => {
    watched.set(session, watchLiveness(deps, session, { intervalMs }));
    void session.closed.then(() => watched.delete(session));
    return session;
  };
  const keep = <S extends SessionLife>(
    role: LaptopRole,
    start: (duplex: Duplex, log: Logger) => S,
  ): ConnectionSet<S> => {
    const log = deps.log.child({ role });
    return keepConnections(
      {
        ...deps,
        log,
        dial: async (signal) => {
          const request = relayRequest(role, signal, (duplex) => start(duplex, log));
          const { entered: session, via } = await deps.dialer.dial(request);
          paths.set(session, via);
          void session.closed.then(() => paths.delete(session));
          return watch(session);
        },
        onChange: ({ trouble }) => {
          if (isHopeless(trouble)) hopeless.reject(trouble);
        },
        onDenied: denied.resolve,
      },
      { size: sizes[role], firstMs: 100, renewEveryMs: deps.renewEveryMs ?? hourlyMs, isDenial },
    );
  };

  const windows = createReceiveWindows(deps, { budgetBytes: receiveBudgets.laptop });
  const control = keep('control', (duplex, log) => openClientSession(duplex, { ...deps, log }));
  const outbound = keep('outbound', (duplex, log) =>
    openClientSession(duplex, { ...deps, log, windows }),
  );
  const reverse = keep('reverse', (duplex, log) =>
    serveSession(duplex, { ...deps, log, windows, onFlow: options.onFlow }),
  );

  const ways = (): readonly RelayPath[] => {
    const used = new Set(paths.values());
    return relayPaths.filter((path) => used.has(path));
  };
  const renew = (): void => {
    for (const set of [control, outbound, reverse]) set.renew();
  };
  const returning = returnToBetter({
    ...deps,
    worst: () => ways().at(-1),
    tryBetter: async (signal) => {
      // A session that carries nothing: what works for it works for all.
      const { log } = deps;
      const request = relayRequest('outbound', signal, async (duplex) => {
        await openClientSession(duplex, { ...deps, log }).close();
      });
      return ways().length > 1 || (await deps.dialer.tryBetter(request));
    },
    renew,
  });

  return {
    control,
    outbound,
    reverse,
    hopeless: hopeless.promise,
    denied: denied.promise,
    get ways() {
      return ways();
    },
    get rttMs() {
      const [session] = control.members;
      return session === undefined ? undefined : watched.get(session)?.rttMs;
    },
    pickOutbound: () => leastBusy(outbound.members),
    setIntercepting(intercepting) {
      intervalMs = intercepting ? busyIntervalMs : idleIntervalMs;
      for (const liveness of watched.values()) liveness.setInterval(intervalMs);
    },
    renew,
    async [Symbol.asyncDispose]() {
      await returning[Symbol.asyncDispose]();
      await Promise.all(
        [control, outbound, reverse].map(async (set) => await set[Symbol.asyncDispose]()),
      );
    },
  };
}
