import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { retry } from '#base/wait.ts';
import type { RemoteMount, RemoteMounts } from '#host/mounts/remote-mounts.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly mounts: Pick<RemoteMounts, 'mount'>;
  /** A new stream of SFTP. */
  readonly open: (signal: AbortSignal) => Promise<Duplex>;
}

interface Options {
  readonly mountPoint: string;
  readonly readOnly: boolean;
  /** Gives up the first time. */
  readonly signal: AbortSignal;
}

/**
 * Mounts, and mounts again at the same place whenever the mount has ended: with a link that was lost,
 * a pod that was replaced. Rejects where it did not work the first time.
 */
export async function keepMounted(deps: Deps, options: Options): Promise<AsyncDisposable> {
  const { mountPoint, readOnly } = options;
  const log = deps.log.child({ mountPoint });
  const once = async (signal: AbortSignal): Promise<RemoteMount> => {
    const stream = await deps.open(signal);
    return await deps.mounts.mount({ mountPoint, readOnly, stream, signal });
  };
  let current: RemoteMount | undefined = await once(options.signal);
  log.info('mounted');
  const stopped = new AbortController();
  const following = (async (): Promise<void> => {
    for (;;) {
      const why = await current?.ended;
      current = undefined;
      if (stopped.signal.aborted) return;
      log.info('not mounted for the moment', { reason: why ?? '' });
      const onFailure = (reason: string): void => log.debug('not mounted again', { reason });
      const { signal } = stopped;
      current = await retry(deps, { firstMs: 100, lastMs: 1000, signal, onFailure }, async () => {
        return await once(signal);
      });
      log.info('mounted again');
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort(new Error('unmounted'));
      await current?.[Symbol.asyncDispose]();
      await following.catch((error: unknown) => {
        log.debug('unmounted', { reason: describe(error) });
      });
      // It may just have come about.
      await current?.[Symbol.asyncDispose]();
    },
  };
}
