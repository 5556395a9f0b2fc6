import { isIP, isIPv6 } from 'node:net';

import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';

import { switchGraceMs, switchIdleMs } from '../init/rules.ts';
import type { Inbound } from './accept.ts';
import type { DatagramClient } from './datagram-port.ts';
import type { DatagramLeg } from './datagram-leg.ts';
import { datagramsToApp } from './datagrams-to-app.ts';
import { datagramsToLaptop } from './datagrams-to-laptop.ts';
import type { Joined, Side } from './joined.ts';
import type { Doubts } from './offer.ts';
import type { Takes } from './takes.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after' | 'every' | 'monotonic'>;
  readonly takes: Pick<Takes, 'takerOf'>;
  readonly doubts: Doubts;
  readonly inbound: (interceptUid: string) => readonly Inbound[];
  readonly podIps: readonly [string, ...string[]];
  readonly bounds?: Bounds;
}

/** What a flood from another pod may cost. */
export interface Bounds {
  /** More at once end the one that has been idle for the longest; as many again may wait for an answer after a switch. */
  readonly flows: number;
  /** So many new ones each second, and as many at once; the datagrams of others are lost. */
  readonly newEachSecond: number;
}

/** The datagrams that come to the agent, by client: each address and port has a flow of its own. */
export interface TakenDatagrams extends Pick<Joined, 'moved'> {
  /** A datagram for one of the app's ports. */
  take(port: number, payload: Buffer, client: DatagramClient): void;
  /** Flows that are open. */
  readonly size: number;
  /** Takes no more; resolves when nobody waits for an answer, after 5 s at the most. */
  finish(): Promise<void>;
}

interface Flow {
  readonly port: number;
  leg: DatagramLeg;
  side: Side | 'nobody';
  /** From then on another may be asked in place of `side`. */
  againAt: number;
  usedAt: number;
  answered: boolean;
  /** The client spoke last, and may be answered. */
  asked: boolean;
  /** Of one that was switched over. */
  leaving: Disposable | undefined;
}

const usualBounds: Bounds = { flows: 1024, newEachSecond: 1000 };
/** As the kernel's own connection tracking forgets UDP. */
const unansweredMs = 30_000;
const answeredMs = 120_000;
const sweepMs = 5000;
/** So long a laptop is not asked again for a client that it could not be asked for, or has refused. */
const againMs = 1000;
const closedLeg: DatagramLeg = { send() {}, close() {} };

/** No flows yet. */
export function createTakenDatagrams(deps: Deps): TakenDatagrams {
  const { clock, log, bounds = usualBounds } = deps;
  // Used last, last in the order.
  const flows = new Map<string, Flow>();
  const leaving = new Set<Flow>();
  const kept = { bytes: 0 };
  let fresh = bounds.newEachSecond;
  let freshAt = clock.monotonic();
  let sweep: Disposable | undefined;
  let finished: PromiseWithResolvers<void> | undefined;

  const ended = (): void => {
    if (flows.size === 0) {
      sweep?.[Symbol.dispose]();
      sweep = undefined;
    }
    if (flows.size + leaving.size === 0) finished?.resolve();
  };
  const end = (key: string, flow: Flow): void => {
    if (flows.get(key) === flow) flows.delete(key);
    flow.leaving?.[Symbol.dispose]();
    leaving.delete(flow);
    flow.leg.close();
    ended();
  };
  const endIdle = (): void => {
    const now = clock.monotonic();
    for (const [key, flow] of flows) {
      if (now - flow.usedAt >= (flow.answered ? answeredMs : unansweredMs)) end(key, flow);
    }
  };
  /** Its client's next datagram is another's; who waits for an answer may still get it from here. */
  const leave = (key: string, flow: Flow): void => {
    flows.delete(key);
    const leftMs = flow.usedAt + switchGraceMs - clock.monotonic();
    const waits = flow.asked && flow.side !== 'nobody' && leftMs > 0;
    if (!waits || leaving.size >= bounds.flows) {
      end(key, flow);
      return;
    }
    leaving.add(flow);
    flow.leaving = clock.after(leftMs, () => end(key, flow));
    ended();
  };
  const mayBegin = (): boolean => {
    const now = clock.monotonic();
    const { newEachSecond } = bounds;
    fresh = Math.min(newEachSecond, fresh + ((now - freshAt) / 1000) * newEachSecond);
    freshAt = now;
    if (fresh < 1) return false;
    fresh -= 1;
    return true;
  };

  const begin = (key: string, port: number, client: DatagramClient): Flow | undefined => {
    if (finished !== undefined || !mayBegin()) return undefined;
    const now = clock.monotonic();
    const flow: Flow = {
      port,
      leg: closedLeg,
      side: 'app',
      againAt: Infinity,
      usedAt: now,
      answered: false,
      asked: false,
      leaving: undefined,
    };
    const onAnswer = (payload: Buffer): void => {
      client.answer(payload);
      flow.usedAt = clock.monotonic();
      flow.answered = true;
      flow.asked = false;
      if (flow.leaving === undefined) return;
      // What is answered in several parts.
      flow.leaving[Symbol.dispose]();
      flow.leaving = clock.after(switchIdleMs, () => end(key, flow));
    };
    const toApp = (): void => {
      flow.side = 'app';
      flow.leg = datagramsToApp({
        podIp: addressAsked(deps.podIps, client.address),
        port,
        onAnswer,
      });
    };
    const interceptUid = deps.takes.takerOf(port);
    if (interceptUid === undefined) toApp();
    else {
      flow.side = { interceptUid };
      flow.leg = datagramsToLaptop(
        { ...deps, kept },
        {
          interceptUid,
          source: `${client.address}:${String(client.port)}`,
          onAnswer,
          onAgain() {
            log.info('laptop answers again', { port });
            moved(port, { interceptUid });
          },
          onEnd(why, reason) {
            if (why.kind === 'ended') {
              end(key, flow);
              return;
            }
            flow.againAt = clock.monotonic() + againMs;
            log.debug('datagrams not taken', { port, reason, outcome: why.kind });
            if (why.kind === 'refused') {
              flow.side = 'nobody';
              flow.leg = closedLeg;
              return;
            }
            toApp();
            for (const payload of why.unsent) flow.leg.send(payload);
          },
        },
      );
    }
    if (flows.size >= bounds.flows) {
      const [oldest] = flows;
      if (oldest !== undefined) end(...oldest);
    }
    flows.set(key, flow);
    sweep ??= clock.every(sweepMs, endIdle);
    return flow;
  };

  const moved = (port: number, side: Side): void => {
    for (const [key, flow] of flows) {
      if (flow.port === port && !isSame(flow.side, side)) leave(key, flow);
    }
  };

  return {
    moved,
    get size() {
      return flows.size + leaving.size;
    },
    take(port, payload, client) {
      const key = `${String(port)} ${client.address} ${String(client.port)}`;
      const now = clock.monotonic();
      let flow = flows.get(key);
      if (flow !== undefined && flow.againAt <= now && deps.takes.takerOf(port) !== undefined) {
        leave(key, flow);
        flow = undefined;
      }
      flow ??= begin(key, port, client);
      if (flow === undefined) return;
      flow.usedAt = now;
      flow.asked = true;
      flows.delete(key);
      flows.set(key, flow);
      flow.leg.send(payload);
    },
    async finish() {
      finished ??= Promise.withResolvers();
      for (const [key, flow] of flows) leave(key, flow);
      ended();
      await finished.promise;
    },
  };
}

/** The pod's address of the family in which it was asked: an app may listen on one only. */
function addressAsked(podIps: readonly [string, ...string[]], client: string): string {
  const family = isIPv6(client) ? 6 : 4;
  return podIps.find((one) => isIP(one) === family) ?? podIps[0];
}

function isSame(one: Flow['side'], other: Side): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return one.interceptUid === other.interceptUid;
}
