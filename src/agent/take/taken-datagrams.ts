import { isIP, isIPv6 } from 'node:net';

import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';

import { switchGraceMs, switchIdleMs } from '../init/rules.ts';
import type { Inbound } from './accept.ts';
import type { DatagramClient } from './datagram-port.ts';
import type { DatagramLeg, LegEnd } from './datagram-leg.ts';
import { datagramsToApp } from './datagrams-to-app.ts';
import { datagramsToLaptop } from './datagrams-to-laptop.ts';
import type { Joined, Side } from './joined.ts';
import type { Doubts } from './offer.ts';
import type { Takes } from './takes.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after' | 'every' | 'monotonic'>;
  readonly takes: Pick<Takes, 'takerOf'>;
  /** The agent listens there in the app's place, so that there is no app. */
  readonly standsAt: (port: number) => boolean;
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
  /** Who waits for an answer may still get it from here. */
  const linger = (key: string, flow: Flow): void => {
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
  /** Its client's next datagram is another's. */
  const leave = (key: string, flow: Flow): void => {
    flows.delete(key);
    linger(key, flow);
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

  /** A flow without a leg, and what its leg does with an answer. */
  const newFlow = (
    key: string,
    { port, side }: Pick<Flow, 'port' | 'side'>,
    client: DatagramClient,
  ): { readonly flow: Flow; readonly onAnswer: (payload: Buffer) => void } => {
    const flow: Flow = {
      port,
      side,
      leg: closedLeg,
      againAt: Infinity,
      usedAt: clock.monotonic(),
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
    return { flow, onAnswer };
  };
  const toApp = (key: string, port: number, client: DatagramClient): Flow => {
    const { flow, onAnswer } = newFlow(key, { port, side: 'app' }, client);
    if (deps.standsAt(port)) return flow;
    flow.leg = datagramsToApp({ podIp: addressAsked(deps.podIps, client.address), port, onAnswer });
    return flow;
  };
  const toLaptop = (key: string, port: number, client: DatagramClient, uid: string): Flow => {
    const { flow, onAnswer } = newFlow(key, { port, side: { interceptUid: uid } }, client);
    const onEnd = (why: LegEnd, reason: string): void => {
      if (why.kind === 'ended') {
        end(key, flow);
        return;
      }
      log.debug('datagrams not taken', { port, reason, outcome: why.kind });
      const againAt = clock.monotonic() + againMs;
      if (why.kind === 'refused') {
        Object.assign(flow, { side: 'nobody', againAt, leg: closedLeg });
        return;
      }
      const isNow = flows.get(key) === flow;
      const next = Object.assign(toApp(key, port, client), { againAt, asked: true });
      if (isNow) flows.set(key, next);
      else linger(key, next);
      for (const payload of why.unsent) next.leg.send(payload);
      if (!why.late) return;
      log.warning('laptop did not answer', { port, reason });
      if (isNow) linger(key, flow);
    };
    flow.leg = datagramsToLaptop(
      { ...deps, kept },
      {
        interceptUid: uid,
        port,
        source: `${client.address}:${String(client.port)}`,
        onAnswer,
        onEnd,
        onAgain() {
          log.info('laptop answers again', { port });
          moved(port, { interceptUid: uid });
        },
      },
    );
    return flow;
  };
  const begin = (key: string, port: number, client: DatagramClient): Flow | undefined => {
    if (finished !== undefined || !mayBegin()) return undefined;
    const uid = deps.takes.takerOf(port);
    const flow = uid === undefined ? toApp(key, port, client) : toLaptop(key, port, client, uid);
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
