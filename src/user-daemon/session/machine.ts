import { connect } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { backoff, withDeadline } from '#base/wait.ts';
import {
  DesiredSchema,
  RootDaemon,
  RootStatusSchema,
  type Applied,
  type Desired,
  type RootStatus,
} from '#protocol/gen/telepresence_pb.ts';
import { UserDaemonError } from '../errors.ts';
import { createLatestQueue, type LatestQueue } from './latest-queue.ts';

export type RootDaemonClient = Client<typeof RootDaemon>;

/** Calls the root daemon by its unix socket; HTTP/2, because Hold speaks both ways at once. */
export function createRootDaemonClient(socketPath: string): RootDaemonClient {
  return createClient(
    RootDaemon,
    createConnectTransport({
      httpVersion: '2',
      baseUrl: 'http://root-daemon',
      nodeOptions: { createConnection: () => connect(socketPath) },
      // Calls other than Hold are rare: no connection is kept for them.
      idleConnectionTimeoutMs: 500,
    }),
  );
}

/** Tells a root daemon how much to log. */
export async function setRootLogLevel(
  client: RootDaemonClient,
  wanted: { readonly level: string; readonly durationMs: bigint },
  signal: AbortSignal,
): Promise<void> {
  await client.setLogLevel(wanted, { signal });
}

/** What the machine is to be like, but for the number that the queue gives it. */
export type WantedMachine = Omit<Desired, 'epoch' | '$typeName' | '$unknown'>;

/** Keeps the machine as this session wants it, by way of the root daemon. */
export interface Machine extends AsyncDisposable {
  /** The machine is to be like this from now on. */
  want(wanted: WantedMachine): void;
  /** Resolves when the latest wish has been applied; rejects where it could not be. */
  applied(signal: AbortSignal): Promise<void>;
  /** What the root daemon says now. */
  status(signal: AbortSignal): Promise<RootStatus>;
}

interface Deps {
  readonly client: RootDaemonClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Called each time the machine has become as wanted. */
  readonly onApplied: (applied: Applied) => void;
  /** Called when the root daemon does not hold the machine for us any more. */
  readonly onLost: () => void;
}

const statusMs = 2000;
const endMs = 3000;

/** Holds the machine from the first wish until disposed; comes back when the root daemon does. */
export function holdMachine(deps: Deps): Machine {
  const stop = new AbortController();
  const cut = new AbortController();
  let epoch = 0n;
  let wanted: Desired | undefined;
  let queue: LatestQueue<Desired> | undefined;
  let outcome: { readonly epoch: bigint; readonly error: UserDaemonError | undefined } | undefined;
  let wake = Promise.withResolvers<undefined>();
  let hurry = new AbortController();
  const changed = (): void => {
    wake.resolve(undefined);
    wake = Promise.withResolvers<undefined>();
  };

  const holdOnce = async (): Promise<void> => {
    queue = createLatestQueue<Desired>();
    using _queue = queue;
    if (wanted !== undefined) queue.put(wanted);
    for await (const applied of deps.client.hold(queue, { signal: cut.signal })) {
      const { failure } = applied;
      const error =
        failure === undefined
          ? undefined
          : new UserDaemonError('RootDaemonFailed', failure.message, { facts: failure.facts });
      if (error !== undefined) deps.log.warning('machine not as wanted', { reason: error.message });
      if (error === undefined) deps.onApplied(applied);
      outcome = { epoch: applied.epoch, error };
      changed();
    }
  };

  const run = async (): Promise<void> => {
    const delays = backoff(deps, { firstMs: 100, lastMs: 2000 });
    while (!stop.signal.aborted) {
      try {
        await holdOnce().finally(deps.onLost);
        delays.reset();
      } catch (error) {
        if (stop.signal.aborted) return;
        deps.log.debug('root daemon lost', { reason: describe(error) });
        outcome = {
          epoch,
          error: new UserDaemonError('RootDaemonUnavailable', describe(error), { cause: error }),
        };
        changed();
      }
      hurry = new AbortController();
      const waiting = AbortSignal.any([stop.signal, hurry.signal]);
      await deps.clock.sleep(delays.next(), waiting).catch(() => {});
    }
  };
  let running: Promise<void> | undefined;

  return {
    want(next) {
      if (stop.signal.aborted) return;
      epoch += 1n;
      wanted = create(DesiredSchema, { ...next, epoch });
      queue?.put(wanted);
      running ??= run();
    },
    async applied(signal) {
      // That it could not be reached says nothing about now: whoever asks may have just started it.
      if (outcome?.error?.code === 'RootDaemonUnavailable') {
        outcome = undefined;
        hurry.abort();
      }
      for (;;) {
        signal.throwIfAborted();
        if (outcome !== undefined && outcome.epoch >= epoch) {
          if (outcome.error !== undefined) throw outcome.error;
          return;
        }
        const aborted = Promise.withResolvers<undefined>();
        const onAbort = (): void => aborted.resolve(undefined);
        signal.addEventListener('abort', onAbort, { once: true });
        await Promise.race([wake.promise, aborted.promise]);
        signal.removeEventListener('abort', onAbort);
      }
    },
    async status(signal) {
      try {
        const status = await withDeadline(
          deps,
          { ms: statusMs, what: 'status of the root daemon', signal },
          async (waiting) => await deps.client.status({}, { signal: waiting }),
        );
        const error = status.error === '' ? (outcome?.error?.message ?? '') : status.error;
        const { dns } = status;
        if (dns === undefined || wanted?.dns === undefined) return { ...status, error };
        // The suffixes as they were written, and whom the cluster asks; not the splitter's own view.
        const { remoteAddress, excludeSuffixes, includeSuffixes } = wanted.dns;
        const shown = { ...dns, localAddress: '', remoteAddress, excludeSuffixes, includeSuffixes };
        return { ...status, error, dns: shown };
      } catch (error) {
        signal.throwIfAborted();
        return create(RootStatusSchema, { running: false, error: describe(error) });
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the session ends'));
      deps.onLost();
      // An orderly end: the root daemon ends its side when the machine is as it was.
      queue?.[Symbol.dispose]();
      const ending = { ms: endMs, what: 'end of the root daemon', signal: cut.signal };
      await withDeadline(deps, ending, async () => await running).catch((error: unknown) => {
        deps.log.warning('machine not given back in time', { reason: describe(error) });
      });
      cut.abort(new Error('the session ended'));
      await running;
    },
  };
}
