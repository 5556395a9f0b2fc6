import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { backoff } from '#base/wait.ts';
import type { SessionLife } from '#tunnel/session-life.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep' | 'monotonic'>;
  readonly random: () => number;
}

interface KeepOptions<Session> {
  /** For the log: what the session is for. */
  readonly role: string;
  readonly open: (signal: AbortSignal) => Promise<Session>;
  /** A session is there. What it returns is disposed of when that session has ended. */
  readonly onUp: (session: Session) => AsyncDisposable;
}

const firstMs = 100;
const lastMs = 5000;
/** A session that held this long was a good one: the next is tried for at once. */
const goodAfterMs = 10_000;

/**
 * Keeps one session open until it is disposed of; then closes the one that is there. A thousand
 * agents of a restarted manager come back spread in time.
 */
export function keepSession<Session extends SessionLife>(
  deps: Deps,
  options: KeepOptions<Session>,
): AsyncDisposable {
  const { role } = options;
  const stopped = new AbortController();
  const { signal } = stopped;
  const delays = backoff(deps, { firstMs, lastMs });
  const log = deps.log.child({ role });

  const once = async (): Promise<void> => {
    const session = await options.open(signal);
    const began = deps.clock.monotonic();
    log.info('session opened');
    {
      await using _held = options.onUp(session);
      const stop = (): void => session.destroy(new Error('stopped'));
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      const end = await session.closed;
      signal.removeEventListener('abort', stop);
      log.info('session ended', { reason: end.kind === 'lost' ? describe(end.error) : 'closed' });
    }
    if (deps.clock.monotonic() - began > goodAfterMs) delays.reset();
  };

  const kept = (async () => {
    let said = '';
    while (!signal.aborted) {
      try {
        await once();
        said = '';
      } catch (error) {
        const reason = describe(error);
        if (!signal.aborted && reason !== said) log.warning('no session', { reason });
        said = reason;
      }
      await deps.clock.sleep(delays.next(), signal).catch(() => {});
    }
  })();

  return {
    async [Symbol.asyncDispose]() {
      stopped.abort(new Error('stopped'));
      await kept;
    },
  };
}
