import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { withDeadline } from '#base/wait.ts';
import type { KubeClient } from './client.ts';
import type { ConnectDeps } from './connect.ts';
import { isKubeError, KubeError, unreachable } from './errors.ts';
import { openPortForward } from './port-forward.ts';
import { findServicePod } from './service-pod.ts';
import { settled } from './tcp.ts';
import { openServiceUpgrade, requestUpgrade, type ServiceTarget } from './upgrade.ts';

/**
 * The ways to the manager, best first (design decision 2). Real RFC 6455 frames through the service
 * proxy, for what lets nothing else pass, have their place between the two.
 */
export const relayPaths = ['service-proxy', 'port-forward'] as const;
export type RelayPath = (typeof relayPaths)[number];

/** What the relay's certificate must be; the laptop learns it from the manager's objects. */
export interface RelayPin {
  readonly ca: string;
  readonly serverName: string;
}

export interface RelayConnection {
  /** Raw bytes to the relay, right after its 101. */
  readonly duplex: Duplex;
  readonly via: RelayPath;
}

export interface RelayDialer {
  /** One more connection; its first words are the relay's Challenge. */
  dial(options: {
    /** `/tunnel/<namespace>/<connection>/<role>` */
    readonly path: string;
    /** 32 random bytes as base64; public. */
    readonly nonce: string;
    readonly signal: AbortSignal;
  }): Promise<RelayConnection>;
}

interface DialerDeps extends ConnectDeps {
  readonly client: KubeClient;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly random: () => number;
}

interface DialerOptions {
  readonly target: ServiceTarget;
  /**
   * Checked where we speak TLS with the relay ourselves; through the service proxy, where the API
   * server checks no certificate, the relay is known by its Challenge alone.
   */
  readonly pin: RelayPin;
  /** The path that worked last time on this cluster. */
  readonly remembered?: RelayPath | undefined;
  /** Each path that worked or failed, for `status` and for remembering. */
  readonly onOutcome?: (outcome: {
    readonly via: RelayPath;
    readonly error: KubeError | undefined;
  }) => void;
}

const stepMs = 2000;
// A detour taken once may have been a manager's restart: the best path is tried again some time.
const rememberMs = 10 * 60_000;
// So long a path that has worked may fail before another is taken: an API server or manager that
// restarts is back by then, and what was opened on a detour stays there.
const patienceMs = 8000;

/**
 * A dialer that tries each path for two seconds and remembers the one that worked. A path that has
 * worked is given up only when it fails for longer than a restart takes.
 */
export function createRelayDialer(deps: DialerDeps, options: DialerOptions): RelayDialer {
  let best = options.remembered;
  let bestSince = deps.clock.monotonic();
  let proven: RelayPath | undefined;
  let failingSince: number | undefined;
  const isRestarting = (via: RelayPath): boolean => {
    if (via !== proven) return false;
    failingSince ??= deps.clock.monotonic();
    return deps.clock.monotonic() - failingSince < patienceMs;
  };

  const paths = (): readonly RelayPath[] => {
    const fresh = deps.clock.monotonic() - bestSince < rememberMs;
    const first = fresh ? best : undefined;
    return first === undefined
      ? relayPaths
      : [first, ...relayPaths.filter((path) => path !== first)];
  };

  return {
    async dial(request) {
      const errors: KubeError[] = [];
      for (const via of paths()) {
        try {
          const duplex = await open[via](deps, options, request);
          if (best !== via || errors.length > 0) bestSince = deps.clock.monotonic();
          best = via;
          proven = via;
          failingSince = undefined;
          options.onOutcome?.({ via, error: undefined });
          return { duplex, via };
        } catch (error) {
          request.signal.throwIfAborted();
          const known = unreachable(via, error);
          errors.push(known);
          options.onOutcome?.({ via, error: known });
          // Whoever is not known to the API server is not known to it on the other path either.
          if (isKubeError(known, 'Unauthorized', 'BadConfig') || isRestarting(via)) break;
        }
      }
      throw allFailed(errors);
    },
  };
}

type Open = (
  deps: DialerDeps,
  options: DialerOptions,
  request: Parameters<RelayDialer['dial']>[0],
) => Promise<Duplex>;

const open: Readonly<Record<RelayPath, Open>> = {
  'service-proxy': async (deps, { target }, { path, nonce, signal }) =>
    await openServiceUpgrade(deps, {
      target,
      path,
      headers: { 'telepresence-nonce': nonce },
      deadlineMs: stepMs,
      signal,
    }),
  'port-forward': async (deps, { target, pin }, { path, nonce, signal }) => {
    const what = `port-forward to ${target.namespace}/${target.service}`;
    return await withDeadline(deps, { ms: stepMs, what, signal }, async (waiting) => {
      const { pod, port } = await findServicePod(deps, target, waiting);
      const raw = await openPortForward(deps, {
        namespace: target.namespace,
        pod,
        port,
        deadlineMs: stepMs,
        signal: waiting,
      });
      try {
        const socket = await speakTls(raw, pin, waiting);
        // The relay is no API server: our token stays here.
        const headers = { 'telepresence-nonce': nonce };
        const host = `${target.service}.${target.namespace}`;
        return await requestUpgrade({ socket, host, path, headers, what, signal: waiting });
      } catch (error) {
        raw.destroy();
        throw error;
      }
    });
  },
};

async function speakTls(raw: Duplex, pin: RelayPin, signal: AbortSignal): Promise<tls.TLSSocket> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  // A TLS socket over a stream says "hung up" where the stream knows why.
  raw.on('error', failed.reject);
  const socket = tls.connect({
    socket: raw,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['http/1.1'],
    ca: pin.ca,
    servername: pin.serverName,
  });
  return await Promise.race([settled(socket, 'secureConnect', signal), failed.promise]);
}

function allFailed(errors: readonly KubeError[]): KubeError {
  // A right that is missing on one path is not the reason where the other one failed otherwise.
  const first = errors.find(({ code }) => code !== 'Forbidden') ?? errors[0];
  const words = errors.map((error) => error.message).join('; ');
  return new KubeError(first?.code ?? 'Other', `no way to the traffic-manager: ${words}`, {
    cause: new AggregateError(errors, words),
    ...(first?.status === undefined ? {} : { status: first.status }),
  });
}
