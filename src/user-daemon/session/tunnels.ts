import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { isKubeError } from '#kube/errors.ts';
import type { RelayDialer, RelayPath } from '#kube/dial-relay.ts';
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
  /** How the last connection got there. */
  readonly via: RelayPath | undefined;
  /** Round trip on the control session, in milliseconds. */
  readonly rttMs: number | undefined;
  /** Rejects when the API server says that we may not do this: waiting will not mend it. */
  readonly hopeless: Promise<never>;
  /** Resolves when a right that we had is gone for good; every session has been dropped then. */
  readonly denied: Promise<Error>;
  /** The outbound session that a new flow disturbs least. */
  pickOutbound(): ClientSession | undefined;
  /** While something is intercepted, a dead link is noticed sooner. */
  setIntercepting(intercepting: boolean): void;
}

const sizes = { control: 1, outbound: 4, reverse: 2 } as const;

// The relay lets in whoever the API server has let through.
const isDenial = (error: Error): boolean => isKubeError(error, 'Forbidden', 'Unauthorized');

/** Opens all of them at once, and keeps them up. */
export function openTunnels(deps: Deps, options: Options): Tunnels {
  let via: RelayPath | undefined;
  let intervalMs = idleIntervalMs;
  const watched = new Map<SessionLife, Liveness>();

  const denied = Promise.withResolvers<Error>();
  const hopeless = Promise.withResolvers<never>();
  hopeless.promise.catch(() => {});
  const enter = async (role: LaptopRole, signal: AbortSignal): Promise<Duplex> => {
    const laptopNonce = newNonce();
    const { duplex, via: path } = await deps.dialer.dial({
      path: `/tunnel/${options.namespace}/${options.name}/${role}`,
      nonce: encodeNonce(laptopNonce),
      signal,
    });
    await enterAsLaptop(deps, duplex, {
      connectionUid: options.uid,
      role,
      laptopNonce,
      managerKey: options.managerKey,
      signal,
    });
    via = path;
    return duplex;
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
        dial: async (signal) => watch(start(await enter(role, signal), log)),
        onChange: ({ trouble }) => {
          if (trouble !== undefined && isDenial(trouble)) hopeless.reject(trouble);
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

  return {
    control,
    outbound,
    reverse,
    hopeless: hopeless.promise,
    denied: denied.promise,
    get via() {
      return via;
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
    async [Symbol.asyncDispose]() {
      await Promise.all(
        [control, outbound, reverse].map(async (set) => await set[Symbol.asyncDispose]()),
      );
    },
  };
}
