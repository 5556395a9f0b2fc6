import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { DeadlineError, withDeadline } from '#base/wait.ts';
import { isKubeError, KubeError, unreachable } from './errors.ts';
import {
  openRelayPath,
  relayPaths,
  stepMs,
  type RelayPath,
  type RelayPathDeps,
  type RelayPin,
} from './relay-paths.ts';
import type { ServiceTarget } from './upgrade.ts';

export interface RelayRequest<T> {
  /** `/tunnel/<namespace>/<connection>/<role>` */
  readonly path: string;
  /** 32 random bytes as base64; public. */
  readonly nonce: string;
  /**
   * Speaks the first words on a connection, the relay's Challenge being the first of all. A path has
   * worked when this has: what stands between may answer an upgrade that it does not understand.
   */
  readonly enter: (duplex: Duplex, signal: AbortSignal) => Promise<T>;
  readonly signal: AbortSignal;
}

export interface RelayDialer {
  /** One more connection, by the path that works. */
  dial<T>(request: RelayRequest<T>): Promise<{ readonly entered: T; readonly via: RelayPath }>;
  /** Whether a better path than the one in use works now; it is used from then on. */
  tryBetter(request: RelayRequest<void>): Promise<boolean>;
}

interface DialerDeps extends RelayPathDeps {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
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
  /** Each path that worked or failed, for the log and for remembering. */
  readonly onOutcome?: (outcome: {
    readonly via: RelayPath;
    readonly error: KubeError | undefined;
  }) => void;
}

// So long a path that has worked may fail before another is taken: an API server or manager that
// restarts is back by then, and what was opened on a detour stays there for a while.
const patienceMs = 8000;

/**
 * A dialer that tries each path for two seconds and stays with the one that worked. A path that has
 * worked is given up only when it fails for longer than a restart takes.
 */
export function createRelayDialer(deps: DialerDeps, options: DialerOptions): RelayDialer {
  let best = options.remembered;
  let proven: RelayPath | undefined;
  let failingSince: number | undefined;
  const isRestarting = (via: RelayPath): boolean => {
    if (via !== proven) return false;
    failingSince ??= deps.clock.monotonic();
    return deps.clock.monotonic() - failingSince < patienceMs;
  };
  const attempt = async <T>(via: RelayPath, request: RelayRequest<T>): Promise<Outcome<T>> => {
    const outcome = await tryPath(deps, options, { via, request });
    const error = outcome.kind === 'entered' ? undefined : outcome.error;
    options.onOutcome?.({ via, error });
    if (outcome.kind === 'entered') best = proven = via;
    if (outcome.kind === 'entered') failingSince = undefined;
    return outcome;
  };

  return {
    async dial(request) {
      const errors = new Map<RelayPath, KubeError>();
      let isServiceClosed = false;
      const order = [...new Set([...(best === undefined ? [] : [best]), ...relayPaths])];
      for (const via of order) {
        // Frames differ from raw bytes after the 101 only: where none comes, none will.
        if (isServiceClosed && via !== 'port-forward') continue;
        const outcome = await attempt(via, request);
        if (outcome.kind === 'entered') return { entered: outcome.value, via };
        const { kind, error } = outcome;
        errors.set(via, error);
        isServiceClosed ||= kind === 'closed' && via !== 'port-forward';
        // Whoever is not known to the API server is not known to it on the other path either.
        if (isKubeError(error, 'Unauthorized', 'BadConfig') || isRestarting(via)) break;
      }
      throw allFailed(errors);
    },
    async tryBetter(request) {
      for (const via of relayPaths) {
        if (best === undefined || via === best) break;
        const outcome = await attempt(via, request);
        if (outcome.kind === 'entered') return true;
        if (outcome.kind === 'closed') break;
      }
      return false;
    },
  };
}

type Outcome<T> =
  | { readonly kind: 'entered'; readonly value: T }
  /** No 101, or one and nothing sensible after it. */
  | { readonly kind: 'closed' | 'mangled'; readonly error: KubeError };

async function tryPath<T>(
  deps: DialerDeps,
  options: DialerOptions,
  { via, request }: { readonly via: RelayPath; readonly request: RelayRequest<T> },
): Promise<Outcome<T>> {
  const { signal } = request;
  let duplex: Duplex;
  try {
    duplex = await openRelayPath[via](deps, { ...options, ...request });
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'closed', error: unreachable(via, error) };
  }
  try {
    const step = { ms: stepMs, what: `${via}: the relay after its 101`, signal };
    const value = await withDeadline(deps, step, async (waiting) => {
      return await request.enter(duplex, waiting);
    });
    return { kind: 'entered', value };
  } catch (error) {
    // Whoever enters may still have a last word to say, and then ends it; nobody reads its errors.
    duplex.on('error', () => {});
    if (error instanceof DeadlineError || signal.aborted) duplex.destroy();
    signal.throwIfAborted();
    return { kind: 'mangled', error: unreachable(via, error) };
  }
}

function allFailed(failed: ReadonlyMap<RelayPath, KubeError>): KubeError {
  // Best first, whichever was tried first.
  const errors = relayPaths.flatMap((path) => failed.get(path) ?? []);
  // A right that is missing on one path is not the reason where the other one failed otherwise, and
  // what may be over in a moment is not final because the other path is closed for good.
  const first =
    errors.find(({ code }) => code === 'Unavailable') ??
    errors.find(({ code }) => code !== 'Forbidden') ??
    errors[0];
  const words = errors.map((error) => error.message).join('; ');
  return new KubeError(first?.code ?? 'Other', `no way to the traffic-manager: ${words}`, {
    cause: new AggregateError(errors, words),
    ...(first?.status === undefined ? {} : { status: first.status }),
  });
}

/** Whether a dialer's failure is one that trying again at once does not mend. */
export function isHopeless(error: unknown): boolean {
  if (isKubeError(error, 'Forbidden', 'Unauthorized', 'NoUpgrade')) return true;
  // Silence was waited for long enough; a connection that was refused or cut is tried again.
  if (!isKubeError(error, 'Unreachable')) return false;
  const each = error.cause instanceof AggregateError ? error.cause.errors : [];
  return each.some(
    (failure) => failure instanceof KubeError && failure.cause instanceof DeadlineError,
  );
}
