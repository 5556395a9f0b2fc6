import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { backoff } from '#base/wait.ts';
import type { KubeClient } from './client.ts';
import { isKubeError, KubeError, unreachable } from './errors.ts';
import type { ObjectSchema } from './objects.ts';
import { orAborted } from './or-aborted.ts';
import { describeAddress } from './resource.ts';
import { createStore, type StoreDelta } from './watch-store.ts';
import { streamChanges, type WatchSelection } from './watch-stream.ts';

/** One change of the store; `synced` comes once, when the first list has been delivered. */
export type Delta<T> = StoreDelta<T> | { readonly type: 'synced' };

interface WatchDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

interface WatchOptions<T> extends WatchSelection {
  readonly schema: ObjectSchema<T>;
  /** Called in order, after the store has changed. */
  readonly onChange?: (delta: Delta<T>) => void;
  /** Each attempt that failed; the watch goes on by itself. */
  readonly onFailure?: (error: KubeError) => void;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** A kind of object, kept in memory and up to date until disposed or aborted. */
export interface ResourceWatch<T> extends AsyncDisposable {
  /** By `namespace/name`, or name: see objectKey. */
  readonly store: ReadonlyMap<string, T>;
  /**
   * Resolves when the first list is in the store. Rejects at once when the API server says that
   * this cannot be (no rights, no such kind, not signed in); the watch keeps trying all the same.
   */
  synced(signal: AbortSignal): Promise<void>;
  /** The first result of `look` that is not undefined; looks now and after each change. */
  until<R extends {}>(
    look: (store: ReadonlyMap<string, T>) => R | undefined,
    signal: AbortSignal,
  ): Promise<R>;
}

// A version that was refused this often is given up for a new list.
const failuresBeforeRelist = 3;
const circleMs = 2000;

/** Starts watching: a list, then changes; from the last version again after each break. */
export function watchResources<T>(deps: WatchDeps, options: WatchOptions<T>): ResourceWatch<T> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const name = describeAddress(options);
  const log = deps.log.child({ watch: name });
  const store = createStore({ log, schema: options.schema });
  const listeners = new Set<() => void>();
  const first = Promise.withResolvers<void>();
  first.promise.catch(() => {});
  let synced = false;

  const tell = (deltas: Iterable<Delta<T>>): void => {
    for (const delta of deltas) {
      try {
        options.onChange?.(delta);
      } catch (error) {
        log.error('listener failed', { delta: delta.type, reason: describe(error) });
      }
    }
    for (const listener of listeners) listener();
  };

  const list = async (): Promise<string> => {
    const { resource, namespace, labelSelector, fieldSelector } = options;
    const { items, resourceVersion } = await deps.client.list({
      resource,
      namespace,
      labelSelector,
      fieldSelector,
      signal,
      schema: v.unknown(),
      deadlineMs: 60_000,
    });
    tell(store.replaceAll(items));
    if (!synced) {
      synced = true;
      first.resolve();
      tell([{ type: 'synced' }]);
    }
    return resourceVersion;
  };

  const failed = (error: KubeError): void => {
    log.debug('watch interrupted', { code: error.code, reason: error.message });
    if (isKubeError(error, 'Forbidden', 'NotFound', 'Unauthorized', 'BadConfig')) {
      first.reject(error);
    }
    options.onFailure?.(error);
  };

  const run = async (): Promise<void> => {
    const delays = backoff(deps, { firstMs: 200, lastMs: 10_000 });
    let version: string | undefined;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = deps.clock.monotonic();
      try {
        version ??= await list();
        for await (const event of streamChanges(deps, options, { version, signal })) {
          failures = 0;
          delays.reset();
          version = event.resourceVersion;
          tell(store.take(event));
        }
        // A server that goes down ends its watches politely: do not run in circles then.
        if (deps.clock.monotonic() - startedAt > circleMs) continue;
      } catch (error) {
        if (signal.aborted) return;
        const known = error instanceof KubeError ? error : unreachable(`watch ${name}`, error);
        failures += 1;
        if (known.code === 'Gone' || failures % failuresBeforeRelist === 0) version = undefined;
        if (known.code === 'Gone' && failures === 1) continue;
        failed(known);
      }
      await deps.clock.sleep(delays.next(), signal).catch(() => {});
    }
  };
  const running = run();

  const until: ResourceWatch<T>['until'] = async (look, waiting) => {
    const found = Promise.withResolvers<NonNullable<ReturnType<typeof look>>>();
    const check = (): void => {
      const result = look(store.objects);
      if (result !== undefined) found.resolve(result);
    };
    listeners.add(check);
    try {
      check();
      return await orAborted(found.promise, AbortSignal.any([waiting, signal]));
    } finally {
      listeners.delete(check);
    }
  };

  return {
    store: store.objects,
    until,
    async synced(waiting) {
      await orAborted(first.promise, AbortSignal.any([waiting, signal]));
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
