import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { serveSession } from '#tunnel/server-session.ts';
import { openErrand, type DaemonPort } from './upgrade.ts';

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly routes: (router: ConnectRouter) => void;
}

interface Options {
  readonly daemon: DaemonPort;
  /** How long the daemon may be away before it is given up. */
  readonly lostMs: number;
  readonly signal: AbortSignal;
  /** Called once the daemon has taken us for the first time. */
  readonly onReady: () => void;
}

const againMs = 100;

/** Keeps a session with the daemon, dialled from here; resolves with why it has ended for good. */
export async function keepLending(deps: Deps, options: Options): Promise<string> {
  const { daemon, lostMs, signal, onReady } = options;
  const { clock, log } = deps;
  const rpc = connectNodeAdapter({ routes: deps.routes });
  let lostAt = clock.monotonic();
  for (;;) {
    try {
      const socket = await openErrand(daemon, { kind: 'session' }, signal);
      await using session = serveSession(socket, { ...deps, rpc });
      onReady();
      log.info('the daemon has taken the session');
      const stop = (): void => session.destroy(new Error('the helper ends'));
      signal.addEventListener('abort', stop, { once: true });
      const end = await session.closed;
      signal.removeEventListener('abort', stop);
      lostAt = clock.monotonic();
      log.info('session with the daemon ended', { how: end.kind });
    } catch (error) {
      log.debug('no session with the daemon', { reason: describe(error) });
    }
    if (signal.aborted) return 'asked to';
    if (clock.monotonic() - lostAt > lostMs) return 'the daemon is gone';
    await clock.sleep(againMs, signal).catch(() => {});
  }
}
