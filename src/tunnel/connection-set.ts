import type { Clock } from '#base/clock.ts';
import { describe, toError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { backoff } from '#base/wait.ts';
import type { ClientSession } from './client-session.ts';
import type { SessionLife } from './session-life.ts';

/** What a set needs of its sessions, of either kind. */
export type Member = Pick<
  SessionLife,
  'isOpen' | 'retired' | 'renewalAsked' | 'closed' | 'close' | 'destroy'
>;

/** What a set has at the moment. */
export interface ConnectionSetState {
  /** Sessions that take flows. */
  readonly open: number;
  readonly wanted: number;
  /** Why the last attempt failed, or the last session was lost; gone with the next success. */
  readonly trouble: Error | undefined;
}

/** Several sessions of one role, kept up. */
export interface ConnectionSet<S> extends AsyncDisposable {
  /** The sessions that take flows now. */
  readonly members: readonly S[];
  readonly state: ConnectionSetState;
  /** The first session there is, as soon as there is one. */
  ready(signal: AbortSignal): Promise<S>;
  /** Opens each connection anew, and closes the old one once the new one is there. */
  renew(): void;
  /** Dials no more and lets open flows end. */
  close(): Promise<void>;
  /** Dials no more and drops everything. */
  destroy(reason: Error): void;
}

interface Deps<S> {
  readonly clock: Pick<Clock, 'sleep' | 'monotonic' | 'after'>;
  readonly log: Logger;
  readonly random: () => number;
  /** Opens one session, proof and all. It is tried again whenever it fails. */
  readonly dial: (signal: AbortSignal) => Promise<S>;
  /** Called after every change of `state`. */
  readonly onChange?: (state: ConnectionSetState) => void;
  /** Called when the other side has kept refusing us: what was open has been dropped. */
  readonly onDenied?: (error: Error) => void;
}

interface Options {
  readonly size: number;
  readonly firstMs?: number;
  readonly lastMs?: number;
  /** Each session is opened anew after about an hour: only then is a right looked at again. */
  readonly renewEveryMs?: number;
  /** Whether a failed attempt says that we are not let in any more, rather than that something broke. */
  readonly isDenial?: (error: Error) => boolean;
}

/** How often a session proves anew that it may be (decision 2). */
export const renewEveryMs = 60 * 60_000;
/** Flows of a renewed session may go on for a day; each renewal meanwhile has proven the right to. */
const drainMs = 24 * 60 * 60_000;
// An API server that has just started refuses what it has not read of RBAC yet.
const denialMs = 10_000;

/** Starts to keep `size` sessions up; a lost one is replaced at once, a failed attempt after a wait. */
export function keepConnections<S extends Member>(
  deps: Deps<S>,
  options: Options,
): ConnectionSet<S> {
  const { clock, log, dial, onChange } = deps;
  const { size, firstMs = 250, lastMs = 2000 } = options;
  const sessions = new Set<S>();
  const stop = new AbortController();
  const waiting = new Set<(session: S) => void>();
  let renewal = Promise.withResolvers<void>();
  let trouble: Error | undefined;
  let deniedSince: number | undefined;

  const members = (): S[] => [...sessions].filter((session) => session.isOpen);
  const state = (): ConnectionSetState => ({ open: members().length, wanted: size, trouble });
  const changed = (): void => onChange?.(state());

  const hold = (session: S): void => {
    sessions.add(session);
    trouble = undefined;
    deniedSince = undefined;
    void session.retired.then(changed);
    void session.closed.then((end) => {
      sessions.delete(session);
      if (end.kind === 'lost') trouble = end.error;
      changed();
    });
    for (const take of waiting) take(session);
    waiting.clear();
    changed();
  };

  /** Resolves when a session that begins now is to be opened anew; not all at once. */
  const due = (): Disposable & { readonly promise: Promise<void> } => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (options.renewEveryMs === undefined) return { promise, [Symbol.dispose]() {} };
    const timer = clock.after(options.renewEveryMs * (0.9 + deps.random() / 5), resolve);
    return { promise, [Symbol.dispose]: () => timer[Symbol.dispose]() };
  };
  const drain = (old: S): void => {
    const timer = clock.after(drainMs, () => old.destroy(new Error('renewed a day ago')));
    void old.closed.then(() => timer[Symbol.dispose]());
    void old.close();
  };
  const heed = (error: Error): void => {
    if (options.isDenial?.(error) !== true) {
      deniedSince = undefined;
      return;
    }
    deniedSince ??= clock.monotonic();
    if (clock.monotonic() - deniedSince < denialMs) return;
    // What has been taken from us bites now: also for the flows that are open.
    for (const session of sessions) session.destroy(error);
    deps.onDenied?.(error);
  };

  const keepOne = async (): Promise<void> => {
    const delays = backoff(deps, { firstMs, lastMs });
    let old: S | undefined;
    for (;;) {
      stop.signal.throwIfAborted();
      const startedAt = clock.monotonic();
      try {
        const session = await dial(stop.signal);
        if (stop.signal.aborted) {
          session.destroy(toError(stop.signal.reason));
          return;
        }
        hold(session);
        if (old !== undefined) drain(old);
        using again = due();
        old = await turnOver(session, Promise.race([renewal.promise, again.promise]));
        if (clock.monotonic() - startedAt >= lastMs) delays.reset();
        if (old !== undefined || clock.monotonic() - startedAt >= firstMs) continue;
      } catch (error) {
        stop.signal.throwIfAborted();
        trouble = toError(error);
        heed(trouble);
        log.debug('connection failed', { error: describe(error) });
        changed();
      }
      await clock.sleep(delays.next(), stop.signal);
    }
  };

  const slots = Array.from({ length: size }, () =>
    // It ends by the signal only.
    keepOne().catch(() => {}),
  );

  const close = async (): Promise<void> => {
    stop.abort(new Error('closing'));
    const ends = [...sessions].map((session) => session.close());
    await Promise.all([...slots, ...ends]);
  };
  const destroy = (reason: Error): void => {
    stop.abort(reason);
    for (const session of sessions) session.destroy(reason);
  };

  return {
    get members() {
      return members();
    },
    get state() {
      return state();
    },
    async ready(signal) {
      signal.throwIfAborted();
      const first = members()[0];
      if (first !== undefined) return first;
      const ready = Promise.withResolvers<S>();
      const giveUp = (): void => ready.reject(signal.reason);
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.add(ready.resolve);
      try {
        return await ready.promise;
      } finally {
        waiting.delete(ready.resolve);
        signal.removeEventListener('abort', giveUp);
      }
    },
    renew() {
      renewal.resolve();
      renewal = Promise.withResolvers<void>();
    },
    close,
    destroy,
    async [Symbol.asyncDispose]() {
      destroy(new Error('connections disposed'));
      await Promise.all([...slots, ...[...sessions].map((session) => session.closed)]);
    },
  };
}

/** Waits until a session is to be replaced, by us or because its other end asks; returns it where it is to serve until then. */
async function turnOver<S extends Member>(
  session: S,
  renewal: Promise<void>,
): Promise<S | undefined> {
  const renewing = await Promise.race([
    session.retired.then(() => false),
    renewal.then(() => true),
    session.renewalAsked.then(() => true),
  ]);
  return renewing ? session : undefined;
}

/** The session that a new flow disturbs least. */
export function leastBusy<S extends Pick<ClientSession, 'unsentBytes' | 'openFlows'>>(
  sessions: readonly S[],
): S | undefined {
  return sessions.reduce<S | undefined>((best, each) => {
    return best === undefined || byBusyness(each, best) < 0 ? each : best;
  }, undefined);
}

/** Orders sessions: the one that a new flow disturbs least comes first. */
export function byBusyness(
  one: Pick<ClientSession, 'unsentBytes' | 'openFlows'>,
  other: Pick<ClientSession, 'unsentBytes' | 'openFlows'>,
): number {
  return one.unsentBytes - other.unsentBytes || one.openFlows - other.openFlows;
}
