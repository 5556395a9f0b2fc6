import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { BridgeNetwork } from '#docker/bridge-networks.ts';
import type { Bridge } from '#host/bridges.ts';
import type { LinkEvents } from '#host/link-events.ts';
import { formatIp } from '#protocol/ip-address.ts';

/** Knows the bridges of this machine whose containers reach the cluster. */
export interface ContainerBridges extends AsyncDisposable {
  /** Resolves when this machine has been looked at once, however that went. */
  readonly looked: Promise<undefined>;
}

interface Deps {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly log: Logger;
  readonly followLinks: (onChange: () => void) => LinkEvents;
  readonly readBridges: (signal: AbortSignal) => Promise<readonly Bridge[]>;
  /** With the rights that the user has over Docker. */
  readonly readNetworks: (signal: AbortSignal) => Promise<readonly BridgeNetwork[]>;
}

/** What comes together is one change. */
const settleMs = 100;
/** The engine makes a bridge before it lists the network; or it does not answer at all. */
const againMs = 1000;
const longestMs = 30_000;
const youngMs = 4000;
const lookMs = 10_000;

/**
 * Calls `onBridges` with the bridges of Docker's networks, first and whenever they are others. The kernel
 * tells that there are others, Docker what they are for: a bridge that it does not own is nobody's.
 */
export function followContainerBridges(
  deps: Deps,
  onBridges: (bridges: readonly Bridge[]) => void | Promise<void>,
): ContainerBridges {
  const { clock, log } = deps;
  const ending = new AbortController();
  const looked = Promise.withResolvers<undefined>();
  let here = '';
  /** Undefined: nobody knows what was heard of it. */
  let given: string | undefined = '';
  /** Those that Docker does not know, and until when it is asked for them again. */
  const strangers = new Map<string, number>();
  let isFirst = true;
  let pauseMs = settleMs;
  let untoldMs = againMs;
  let timer: Disposable | undefined;
  let running: Promise<void> | undefined;
  let stale = false;

  const look = async (): Promise<void> => {
    const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(lookMs)]);
    const bridges = await deps.readBridges(signal);
    const now = textOf(bridges);
    const time = clock.monotonic();
    const isYoung = (device: string): boolean => (strangers.get(device) ?? 0) > time;
    if (now === here && !bridges.some(({ device }) => isYoung(device))) return;
    const networks = bridges.length === 0 ? [] : await deps.readNetworks(signal);
    const known = new Map(networks.map((network) => [network.device, network]));
    here = now;
    note(bridges.map(({ device }) => device).filter((device) => !known.has(device)));
    if (bridges.some(({ device }) => isYoung(device))) schedule(againMs);
    const own = bridges.filter(({ device }) => known.get(device)?.isApart === false);
    if (textOf(own) === given) return;
    try {
      await onBridges(own);
    } catch (error) {
      // Whoever is to know does not: nothing else may change for hours.
      given = undefined;
      if (!ending.signal.aborted) schedule(untoldMs);
      untoldMs = Math.min(untoldMs * 2, longestMs);
      throw error;
    }
    untoldMs = againMs;
    given = textOf(own);
    log.info('containers reach the cluster', {
      bridges: own.map(({ device }) => device).join(' ') || 'none',
    });
  };
  const note = (strange: readonly string[]): void => {
    for (const device of strangers.keys()) if (!strange.includes(device)) strangers.delete(device);
    const until = isFirst ? 0 : clock.monotonic() + youngMs;
    for (const device of strange) if (!strangers.has(device)) strangers.set(device, until);
  };
  const run = async (): Promise<void> => {
    do {
      stale = false;
      pauseMs = settleMs;
      await look().catch((error: unknown) => {
        // Without Docker, or rights over it, there are no containers to care for. It may come yet.
        here = '';
        pauseMs = againMs;
        if (!ending.signal.aborted) log.debug('no containers', { reason: describe(error) });
      });
      isFirst = false;
    } while (stale && !ending.signal.aborted);
    looked.resolve(undefined);
    running = undefined;
  };
  const begin = (): void => {
    stale = true;
    running ??= run();
  };
  const schedule = (ms: number): void => {
    timer ??= clock.after(ms, () => {
      timer = undefined;
      begin();
    });
  };

  const links = deps.followLinks(() => schedule(pauseMs));
  void links.lost.then(() => {
    if (!ending.signal.aborted) log.warning('bridges that come later are not noticed', {});
  });
  begin();
  return {
    looked: looked.promise,
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the connection to the cluster ends'));
      timer?.[Symbol.dispose]();
      await links[Symbol.asyncDispose]();
      await running;
    },
  };
}

function textOf(bridges: readonly Bridge[]): string {
  return bridges
    .map(({ device, addresses }) => `${device} ${addresses.map(formatIp).join(' ')}`)
    .toSorted()
    .join('\n');
}
