import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { retry, withDeadline } from '#base/wait.ts';
import { openSftpClient, type SftpClient } from '#protocol/sftp/client.ts';
import { copyVolume, type CopyBudget } from './copy-volume.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** A new stream of SFTP. */
  readonly open: (signal: AbortSignal) => Promise<Duplex>;
}

interface Options {
  readonly directory: string;
  /** Paths in the container. */
  readonly volumes: readonly string[];
  /** Whoever can reach the directory may read, and not this user alone. */
  readonly forEverybody?: boolean;
  /** Gives up the first time. */
  readonly signal: AbortSignal;
}

interface Dialled {
  readonly stream: Duplex;
  readonly client: SftpClient;
}

/** A copy that is kept like its original. */
export interface KeptCopy extends AsyncDisposable {
  /** Volumes that are not there, because they could not be copied. */
  readonly leftOut: readonly string[];
}

/** The kubelet itself looks once a minute. */
const lookEveryMs = 5000;
/** Whoever has not answered all by then is dialled anew. */
const passMs = 20_000;
const most = { bytes: 32 * 1024 * 1024, files: 10_000 } as const;

/** Copies, and looks every few seconds for what has changed. Rejects where nothing could be copied. */
export async function keepCopied(deps: Deps, options: Options): Promise<KeptCopy> {
  const { directory, volumes } = options;
  const log = deps.log.child({ directory });
  const modes =
    options.forEverybody === true
      ? { directory: 0o755, file: 0o444 }
      : { directory: 0o700, file: 0o400 };
  const root = Buffer.from(directory).toString('latin1');
  /** Resolves with those that could not be copied; rejects when the stream has ended before. */
  const pass = async (budget: CopyBudget, paths: readonly string[]): Promise<string[]> => {
    const leftOut: string[] = [];
    const { stream, client } = current;
    using _late = deps.clock.after(passMs, () => void stream.destroy());
    for (const path of paths) {
      try {
        await copyVolume(client, budget, {
          path: Buffer.from(path).toString('latin1'),
          root,
          modes,
        });
      } catch (error) {
        if (stream.destroyed) throw error;
        log.info('volume not copied', { path, reason: describe(error) });
        leftOut.push(path);
      }
    }
    return leftOut;
  };
  const dial = async (signal: AbortSignal): Promise<Dialled> => {
    const waiting = { ms: passMs, what: 'files', signal };
    const stream = await withDeadline(deps, waiting, async (until) => await deps.open(until));
    return { stream, client: openSftpClient(stream) };
  };
  let current = await dial(options.signal);
  const giveUp = (): void => void current.stream.destroy();
  options.signal.addEventListener('abort', giveUp, { once: true });
  let leftOut: string[];
  try {
    const budget = { ...most };
    leftOut = await pass(budget, volumes).catch(async () => {
      options.signal.throwIfAborted();
      current = await dial(options.signal);
      return await pass(budget, volumes);
    });
    // It may have been changed while it was copied.
    if (leftOut.length > 0) leftOut = await pass(budget, leftOut);
    options.signal.throwIfAborted();
  } catch (error) {
    current.stream.destroy();
    throw error;
  } finally {
    options.signal.removeEventListener('abort', giveUp);
  }
  const kept = volumes.filter((path) => !leftOut.includes(path));
  const stopped = new AbortController();
  const { signal } = stopped;
  const following = (async (): Promise<void> => {
    for (;;) {
      await deps.clock.sleep(lookEveryMs, signal);
      try {
        if (current.stream.destroyed) {
          current = await retry(deps, { firstMs: 200, lastMs: 2000, signal }, async () => {
            return await dial(signal);
          });
        }
        await pass({ ...most }, kept);
      } catch (error) {
        signal.throwIfAborted();
        log.debug('copy not looked after', { reason: describe(error) });
      }
    }
  })();
  following.catch(() => {});
  return {
    leftOut,
    async [Symbol.asyncDispose]() {
      stopped.abort(new Error('no longer wanted'));
      current.stream.destroy();
      await following.catch(() => {});
      // It may just have been dialled anew.
      current.stream.destroy();
    },
  };
}
