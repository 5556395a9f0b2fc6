import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { race } from '#base/race.ts';
import { backoff } from '#base/wait.ts';

interface Link extends AsyncDisposable {
  readonly isUp: boolean;
}

interface Deps<L> {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep' | 'after'>;
  readonly random: () => number;
  /** The addresses behind a name, or the address itself. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Starts to keep connections to the manager at that address. */
  readonly open: (address: string) => L;
}

/** Links to every manager that there is: any of them may hold the laptop. */
export interface Managers<L> extends AsyncDisposable {
  readonly links: Iterable<L>;
  /** The manager at `from` names all of them; undefined: it cannot be asked any more. */
  told(from: string, all: readonly string[] | undefined): void;
  /** A link has lost its last connection. */
  down(): void;
}

/** Who has met nobody for so long is likely kept from it. */
const patienceMs = 2000;

/**
 * Keeps a link to each manager. Which there are is told by those that we are connected to, as it
 * changes; the name is looked up only while there is none to ask. A link that nobody names any more
 * serves for as long as its connections live.
 */
export function keepManagers<L extends Link>(
  deps: Deps<L>,
  { host, port }: { readonly host: string; readonly port: number },
): Managers<L> {
  const links = new Map<string, L>();
  const told = new Map<string, readonly string[]>();
  const closing = new Set<Promise<void>>();
  const stop = new AbortController();
  // A lookup itself cannot be given up: without a DNS it takes longer than a pod has for its end.
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  let found: readonly string[] = [];
  let seeking: Promise<void> | undefined;

  const settle = (): void => {
    if (stop.signal.aborted) return;
    const wanted = new Set(told.size === 0 ? found : [...told.values()].flat());
    for (const address of wanted) {
      if (links.has(address)) continue;
      deps.log.info('manager found', { address });
      links.set(address, deps.open(address));
    }
    for (const [address, link] of links) {
      if (wanted.has(address) || link.isUp) continue;
      deps.log.info('manager gone', { address });
      links.delete(address);
      const closed = Promise.resolve(link[Symbol.asyncDispose]());
      closing.add(closed);
      void closed.finally(() => closing.delete(closed));
    }
  };
  const seek = async (): Promise<void> => {
    const delays = backoff(deps, { firstMs: 100, lastMs: 2000 });
    let said = '';
    while (told.size === 0) {
      try {
        found = await race([deps.lookup(host), stopped.promise]);
        settle();
      } catch (error) {
        stop.signal.throwIfAborted();
        const why = describe(error);
        if (why !== said) deps.log.warning('no manager found', { host, reason: why });
        said = why;
      }
      await deps.clock.sleep(delays.next(), stop.signal);
    }
  };
  const seekIfNeeded = (): void => {
    if (told.size > 0 || stop.signal.aborted) return;
    // It ends by the signal, or when somebody tells.
    seeking ??= seek()
      .catch(() => {})
      .finally(() => {
        seeking = undefined;
        seekIfNeeded();
      });
  };
  seekIfNeeded();
  const patience = deps.clock.after(patienceMs, () => {
    if ([...links.values()].some(({ isUp }) => isUp)) return;
    const waitsFor =
      links.size === 0
        ? `an answer of the cluster's DNS for ${host}`
        : `a connection to port ${String(port)} of ${[...links.keys()].join(', ')}`;
    deps.log.warning('traffic-manager not reached', { waitsFor, ms: patienceMs });
  });

  return {
    get links() {
      return links.values();
    },
    told(from, all) {
      if (all === undefined) {
        found = [...new Set([...told.values()].flat())];
        told.delete(from);
      } else {
        // One that names nobody knows of no others.
        told.set(from, [from, ...all]);
      }
      settle();
      seekIfNeeded();
    },
    down: settle,
    async [Symbol.asyncDispose]() {
      patience[Symbol.dispose]();
      stop.abort(new Error('stopped'));
      stopped.reject(stop.signal.reason);
      await Promise.all([
        ...closing,
        ...[...links.values()].map((link) => link[Symbol.asyncDispose]()),
      ]);
      await seeking;
    },
  };
}
