import type { Logger } from '#base/log.ts';
import type { PortProtocol } from '#protocol/agent-config.ts';

import type { Copies } from './copies.ts';
import type { Joined } from './joined.ts';

/** One port that is to go to a laptop; or else what a laptop wants without taking anything. */
export interface WantedTake {
  /**
   * Undefined: an intercept. A wiretap gets a copy of the port's connections; an ingest may only ask
   * of the pod, and has no port.
   */
  readonly mode?: 'wiretap' | 'ingest' | undefined;
  readonly interceptUid: string;
  readonly containerPort: number;
  readonly protocol: string;
  /** The port's container has stepped aside: nobody but the agent listens there. */
  readonly aside?: true;
}

/** Whether a wanted take is in force, and if not, why. */
export interface TakeOutcome {
  readonly interceptUid: string;
  readonly active: boolean;
  readonly message: string;
}

/** Makes what is new at a port come to the agent: by the kernel's rules, or by the port's name. */
export interface PortSwitch {
  /** False when this cannot be done in this pod; `aside` as of a WantedTake. */
  on(port: number, aside?: boolean): Promise<boolean>;
  off(port: number): Promise<void>;
  /** Why it could not be done, for people. */
  whyNot(port: number): string;
}

/** Makes new connections of a port come to the agent, which stay the app's. */
export interface TapSwitch {
  /** False when this cannot be done in this pod. */
  tap(port: number): Promise<boolean>;
  untap(port: number): Promise<void>;
  /** Why it could not be done, for people. */
  whyNotTapped(port: number): string;
}

/** What is taken of one protocol. Once disposed of it takes nothing any more. */
export interface Takes extends AsyncDisposable {
  /** Wants exactly those of these that are its protocol's; resolves with what became of each. The last call counts. */
  apply(wanted: readonly WantedTake[]): Promise<readonly TakeOutcome[]>;
  /** Whether a laptop can be reached at all: while not, everything is the app's. */
  setReachable(reachable: boolean): Promise<readonly TakeOutcome[]>;
  /** The intercept that has a port's new connections; undefined: the app. */
  takerOf(port: number): string | undefined;
  /** The wiretaps that get a copy of a port's new connections. */
  tapsOf(port: number): readonly string[];
  /** Whether this pod has something that is to go to the laptop of this intercept. */
  wants(interceptUid: string): boolean;
  /** Anything is taken. */
  readonly any: boolean;
}

interface Deps {
  readonly log: Logger;
  readonly protocol: PortProtocol;
  readonly ports: PortSwitch;
  readonly joined: Pick<Joined, 'moved'>;
  /** What wiretaps need; they are of TCP alone. */
  readonly taps?: { readonly ports: TapSwitch; readonly copies: Pick<Copies, 'retain'> };
}

/** Brings what is taken into line with what is wanted, one step at a time. */
export function createTakes(deps: Deps): Takes {
  const { protocol } = deps;
  let wanted: readonly WantedTake[] = [];
  let reachable = false;
  let ended = false;
  const taken = new Map<number, string>();
  const isAside = (port: number): boolean =>
    wanted.some((one) => one.containerPort === port && one.aside === true);
  const tapped = new Set<number>();
  let turn: Promise<unknown> = Promise.resolve();

  const desired = (): ReadonlyMap<number, string> => {
    const ports = new Map<number, string>();
    if (!reachable) return ports;
    for (const take of wanted) {
      if (take.mode !== undefined) continue;
      if (ports.has(take.containerPort)) continue;
      ports.set(take.containerPort, take.interceptUid);
    }
    return ports;
  };
  const taps = (): readonly WantedTake[] =>
    reachable && deps.taps !== undefined ? wanted.filter((one) => one.mode === 'wiretap') : [];
  const desiredTaps = (): ReadonlySet<number> => new Set(taps().map((one) => one.containerPort));

  /** Gives back at once what is no longer wanted; nothing may delay this. */
  const giveBack = async (): Promise<void> => {
    const ports = desired();
    const given: Promise<void>[] = [];
    for (const port of [...taken.keys()].filter((one) => !ports.has(one))) {
      taken.delete(port);
      given.push(deps.ports.off(port));
      deps.joined.moved(port, 'app');
      deps.log.info('port given back', { port, protocol });
    }
    deps.taps?.copies.retain(new Set(taps().map((one) => one.interceptUid)));
    const tapPorts = desiredTaps();
    for (const port of [...tapped].filter((one) => !tapPorts.has(one))) {
      // Connections that are open stay as they are.
      tapped.delete(port);
      if (deps.taps !== undefined) given.push(deps.taps.ports.untap(port));
      deps.log.info('port no longer wiretapped', { port });
    }
    await Promise.all(given);
  };

  const take = async (): Promise<void> => {
    for (const [port, interceptUid] of desired()) {
      // What is wanted may have changed while an earlier port was being switched.
      if (desired().get(port) !== interceptUid || taken.get(port) === interceptUid) continue;
      const fresh = !taken.has(port);
      taken.set(port, interceptUid);
      if (fresh && !(await deps.ports.on(port, isAside(port)))) {
        taken.delete(port);
        continue;
      }
      // Given back while the switch was being made.
      if (taken.get(port) !== interceptUid) continue;
      deps.joined.moved(port, { interceptUid });
      deps.log.info('port taken', { port, protocol, intercept: interceptUid });
    }
  };

  const tap = async ({ ports }: NonNullable<Deps['taps']>): Promise<void> => {
    for (const port of desiredTaps()) {
      if (tapped.has(port) || !desiredTaps().has(port)) continue;
      tapped.add(port);
      if (!(await ports.tap(port))) tapped.delete(port);
      else if (tapped.has(port)) deps.log.info('port wiretapped', { port });
    }
  };

  const outcomes = (): readonly TakeOutcome[] =>
    wanted.map((one) => {
      const active = isActive(one);
      return { interceptUid: one.interceptUid, active, message: active ? '' : whyNot(one) };
    });

  const isActive = ({ mode, interceptUid, containerPort }: WantedTake): boolean => {
    if (mode === 'ingest') return true;
    return mode === 'wiretap'
      ? tapped.has(containerPort)
      : taken.get(containerPort) === interceptUid;
  };

  const whyNot = (one: WantedTake): string => {
    if (!reachable) return 'no connection to the traffic-manager for taken traffic';
    if (one.mode === 'wiretap') {
      return (
        deps.taps?.ports.whyNotTapped(one.containerPort) ?? `${protocol} ports cannot be wiretapped`
      );
    }
    if (desired().get(one.containerPort) !== one.interceptUid) {
      return `port ${one.containerPort} is taken by another intercept`;
    }
    return deps.ports.whyNot(one.containerPort);
  };

  const reconcile = (): Promise<readonly TakeOutcome[]> => {
    const given = giveBack();
    const done = turn.then(async () => {
      await given;
      await take();
      if (deps.taps !== undefined) await tap(deps.taps);
      return outcomes();
    });
    turn = done.catch(() => {});
    return done;
  };

  return {
    get any() {
      return taken.size > 0 || tapped.size > 0;
    },
    apply(takes) {
      if (!ended) wanted = takes.filter((one) => one.protocol === protocol);
      return reconcile();
    },
    setReachable(now) {
      reachable = now;
      return reconcile();
    },
    wants: (interceptUid) => wanted.some((one) => one.interceptUid === interceptUid),
    takerOf: (port) => taken.get(port),
    tapsOf: (port) =>
      tapped.has(port)
        ? taps().flatMap((one) => (one.containerPort === port ? one.interceptUid : []))
        : [],
    async [Symbol.asyncDispose]() {
      ended = true;
      wanted = [];
      await reconcile();
    },
  };
}
