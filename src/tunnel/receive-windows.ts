import type { Http2Session } from 'node:http2';
import type { Readable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { createFlightSize } from './flight-size.ts';

/** A session as its windows need it. */
export interface Receiver {
  readonly session: Pick<Http2Session, 'settings' | 'setLocalWindowSize' | 'destroyed' | 'closed'>;
  /** What has come in on the connection. */
  readonly bytesReceived: () => number;
  /** What has gone out on it: round trips are long while that is much. */
  readonly bytesSent: () => number;
  readonly ping: () => Promise<number>;
}

/** A stream, by what it holds that nobody has read. */
export type UnreadStream = Pick<Readable, 'readableLength'>;

/** A session's part in the windows. */
export interface Reception extends Disposable {
  streamOpened(stream: UnreadStream): void;
  streamClosed(stream: UnreadStream): void;
  /** A round trip that somebody measured. */
  heard(rttMs: number): void;
}

/**
 * What the other end may send unread, for all sessions with it: a budget of memory shared by the
 * open streams, and no more under way than the link has use for.
 */
export interface ReceiveWindows {
  /** What a new session announces for each stream. */
  readonly streamBytes: number;
  /** Takes part until disposed. */
  attach(receiver: Receiver): Reception;
}

/** Of this process on a laptop, of each agent, and of the relay for each laptop and each pod. */
export const receiveBudgets = {
  laptop: 128 * 1024 * 1024,
  agent: 16 * 1024 * 1024,
  relay: 64 * 1024 * 1024,
} as const;

const maxStreamBytes = 8 * 1024 * 1024;
const minStreamBytes = 256 * 1024;
/** HTTP/2's own: however many streams there are, none gets less. */
const leastStreamBytes = 64 * 1024;

const busyTickMs = 50;
const quietTickMs = 1000;
/** So old may the sum of what is unread be. */
const unreadMs = 5;
/** What comes in less is chance. */
const leastSampleMs = 20;
/** Less than this in a tick is no load: 80 kbyte/s. */
const loadBytes = 4 * 1024;

/** What came while a PING was under way is the measure of the way. */
interface Question {
  readonly since: number;
  /** All that had come in until then. */
  readonly from: number;
  rttMs: number | undefined;
}

interface Member extends Receiver {
  /** What it had received when it joined. */
  readonly joinedAt: number;
  received: number;
  sent: number;
  delta: number;
  streamBytes: number;
  connectionBytes: number;
  /** SETTINGS are not acknowledged yet; the next wait for that. */
  announcing: boolean;
}

/** Windows of sessions that share one way. */
export function createReceiveWindows(
  deps: { readonly clock: Pick<Clock, 'after' | 'monotonic'> },
  options: {
    readonly budgetBytes: number;
    /** Called when the last session has gone. */
    readonly onEmpty?: () => void;
  },
): ReceiveWindows {
  const members = new Set<Member>();
  const flight = createFlightSize();
  const streams = new Set<UnreadStream>();
  let unread = { at: -Infinity, bytes: 0 };
  let timer: Disposable | undefined;
  let tickMs = busyTickMs;
  let loading = false;
  let loadedAt = -Infinity;
  /** Received by members that have left. */
  let before = 0;
  /** A PING is on its way, or was answered too soon to count what came meanwhile. */
  let question: Question | undefined;

  const unreadBytes = (): number => {
    const at = deps.clock.monotonic();
    if (at - unread.at >= unreadMs) {
      unread = { at, bytes: [...streams].reduce((sum, each) => sum + each.readableLength, 0) };
    }
    return unread.bytes;
  };
  const wantedStreamBytes = (): number => {
    const byLink = Math.min(maxStreamBytes, Math.max(minStreamBytes, 2 * flight.bytes));
    // Who has stopped reading keeps what was promised to fewer streams.
    const byBudget = (options.budgetBytes - unreadBytes()) / Math.max(1, streams.size);
    return Math.round(Math.max(leastStreamBytes, Math.min(byLink, byBudget)));
  };

  const announce = (member: Member): void => {
    const { session } = member;
    const wanted = wantedStreamBytes();
    // Credit comes back by halves of a window: one that lags behind would be the limit.
    const now = member.streamBytes;
    const lower = wanted === leastStreamBytes ? now - 1 : now / 2;
    const differs = wanted >= 1.25 * now || wanted <= lower;
    if (!differs || member.announcing || session.destroyed || session.closed) return;
    member.streamBytes = wanted;
    member.announcing = true;
    session.settings({ initialWindowSize: wanted }, () => {
      member.announcing = false;
      announce(member);
    });
  };
  const allow = (member: Member, bytes: number): void => {
    if (member.connectionBytes === bytes || member.session.destroyed) return;
    member.connectionBytes = bytes;
    member.session.setLocalWindowSize(bytes);
  };
  const spread = (): void => {
    const total = [...members].reduce((sum, { delta }) => sum + delta, 0);
    const busy = [...members].filter(({ delta }) => delta > total / 8).length;
    const bytes = Math.max(leastStreamBytes, Math.round(flight.bytes / Math.max(1, busy)));
    for (const member of members) {
      allow(member, bytes);
      announce(member);
    }
  };

  const arrived = (): number =>
    [...members].reduce((sum, each) => sum + each.bytesReceived() - each.joinedAt, before);
  const ask = async (): Promise<void> => {
    const [busiest] = [...members].toSorted((a, b) => b.delta - a.delta);
    if (busiest === undefined || question !== undefined) return;
    const asked: Question = { since: deps.clock.monotonic(), from: arrived(), rttMs: undefined };
    question = asked;
    asked.rttMs = await busiest.ping().catch(() => undefined);
    if (asked.rttMs === undefined) question = undefined;
    else if (deps.clock.monotonic() - asked.since >= leastSampleMs) conclude();
  };
  const conclude = (): void => {
    if (question?.rttMs === undefined) return;
    const { since, from, rttMs } = question;
    question = undefined;
    const at = deps.clock.monotonic();
    if (!loading || at <= since) return;
    flight.sample({ since, at, bytesPerMs: (arrived() - from) / (at - since), rttMs });
    spread();
    if (flight.isTrying) void ask();
  };
  const count = (): { readonly received: number; readonly sent: number } => {
    const total = { received: 0, sent: 0 };
    for (const member of members) {
      const [received, sent] = [member.bytesReceived(), member.bytesSent()];
      member.delta = received - member.received;
      total.received += member.delta;
      total.sent += sent - member.sent;
      Object.assign(member, { received, sent });
    }
    return total;
  };
  const tick = (): void => {
    timer = undefined;
    const { received, sent } = count();
    loading = received >= loadBytes;
    if (loading || sent >= loadBytes) loadedAt = deps.clock.monotonic();
    conclude();
    spread();
    if (loading) void ask();
    tickMs = loading ? busyTickMs : Math.min(quietTickMs, 2 * tickMs);
    wake();
  };
  const wake = (): void => {
    if (streams.size > 0) timer ??= deps.clock.after(tickMs, tick);
  };
  const begin = (): void => {
    if (timer === undefined) {
      count();
      loading = false;
    } else if (tickMs !== busyTickMs) {
      timer[Symbol.dispose]();
      timer = undefined;
    }
    tickMs = busyTickMs;
    wake();
  };

  return {
    get streamBytes() {
      return wantedStreamBytes();
    },
    attach(receiver) {
      const joinedAt = receiver.bytesReceived();
      const member: Member = {
        ...receiver,
        joinedAt,
        received: joinedAt,
        sent: receiver.bytesSent(),
        delta: 0,
        streamBytes: wantedStreamBytes(),
        connectionBytes: 0,
        announcing: false,
      };
      members.add(member);
      allow(member, flight.bytes);
      const own = new Set<UnreadStream>();
      // A burst of new streams must not wait: each of them has been promised its window.
      const announceAll = (): void => {
        for (const each of members) announce(each);
      };
      const closed = (stream: UnreadStream): void => {
        own.delete(stream);
        streams.delete(stream);
      };
      return {
        streamOpened(stream) {
          own.add(stream);
          streams.add(stream);
          announceAll();
          begin();
        },
        streamClosed(stream) {
          closed(stream);
          announceAll();
        },
        heard(rttMs) {
          if (deps.clock.monotonic() - loadedAt > 2 * quietTickMs) flight.quiet(rttMs);
        },
        [Symbol.dispose]() {
          if (members.delete(member)) before += member.bytesReceived() - member.joinedAt;
          for (const stream of own) closed(stream);
          announceAll();
          if (members.size > 0) return;
          timer?.[Symbol.dispose]();
          timer = undefined;
          options.onEmpty?.();
        },
      };
    },
  };
}
