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
  /** Whether the daemon's container runs; rejects where Docker does not say. */
  readonly daemonRuns: (signal: AbortSignal) => Promise<boolean>;
}

interface Options {
  readonly daemon: DaemonPort;
  readonly signal: AbortSignal;
  /** Called whenever the daemon has taken us. */
  readonly onReady: () => void;
}

/** A daemon that begins is there in half a second; one that runs and takes nobody is not asked as often. */
const firstMs = 50;
const longestMs = 1000;

/** Keeps a session with the daemon, dialled from here; resolves with why it has ended for good. */
export async function keepLending(deps: Deps, options: Options): Promise<string> {
  const { daemon, signal, onReady } = options;
  const { clock, log } = deps;
  const rpc = connectNodeAdapter({ routes: deps.routes });
  let waitMs = firstMs;
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
      waitMs = firstMs;
      log.info('session with the daemon ended', { how: end.kind });
    } catch (error) {
      log.debug('no session with the daemon', { reason: describe(error) });
    }
    if (signal.aborted) return 'asked to';
    try {
      if (!(await deps.daemonRuns(signal))) return "the daemon's container has ended";
    } catch (error) {
      return `Docker does not say whether the daemon runs: ${describe(error)}`;
    }
    await clock.sleep(waitMs, signal).catch(() => {});
    waitMs = Math.min(2 * waitMs, longestMs);
  }
}
