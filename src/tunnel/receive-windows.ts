import type { Http2Session } from 'node:http2';
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

/** A session's part in the windows. */
export interface Reception extends Disposable {
  streamOpened(): void;
  streamClosed(): void;
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
/** Less than this in a tick is no load: 80 kbyte/s. */
const loadBytes = 4 * 1024;

interface Member extends Receiver {
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
  let streams = 0;
  let timer: Disposable | undefined;
  let tickMs = busyTickMs;
  let loading = false;
  let loadedAt = -Infinity;
  let sample = { since: deps.clock.monotonic(), bytes: 0 };
  let asking = false;
  let askedRtt: number | undefined;

  const wantedStreamBytes = (): number => {
    const byLink = Math.min(maxStreamBytes, Math.max(minStreamBytes, 2 * flight.bytes));
    const byBudget = options.budgetBytes / Math.max(1, streams);
    return Math.round(Math.max(leastStreamBytes, Math.min(byLink, byBudget)));
  };

  const announce = (member: Member, force = false): void => {
    const { session } = member;
    const wanted = wantedStreamBytes();
    const differs = wanted >= 2 * member.streamBytes || wanted <= member.streamBytes / 2;
    if (member.announcing || session.destroyed || session.closed) return;
    if (!differs && !force) return;
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

  const ask = async (member: Member): Promise<void> => {
    asking = true;
    askedRtt = await member.ping().catch(() => undefined);
    asking = false;
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
  const estimate = (at: number, received: number): void => {
    // What came before the load began would make it look slow.
    if (loading) sample.bytes += received;
    else sample = { since: at, bytes: 0 };
    if (askedRtt === undefined || at <= sample.since) return;
    flight.sample({ at, bytesPerMs: sample.bytes / (at - sample.since), rttMs: askedRtt });
    askedRtt = undefined;
    sample = { since: at, bytes: 0 };
  };
  const tick = (): void => {
    timer = undefined;
    const at = deps.clock.monotonic();
    const { received, sent } = count();
    const loaded = received >= loadBytes;
    if (loaded) estimate(at, received);
    loading = loaded;
    if (loaded || sent >= loadBytes) loadedAt = at;
    spread();
    const busiest = [...members].toSorted((a, b) => b.delta - a.delta)[0];
    if (loaded && !asking && busiest !== undefined) void ask(busiest);
    tickMs = loaded ? busyTickMs : Math.min(quietTickMs, 2 * tickMs);
    wake();
  };
  const wake = (): void => {
    if (streams > 0) timer ??= deps.clock.after(tickMs, tick);
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
      const member: Member = {
        ...receiver,
        received: receiver.bytesReceived(),
        sent: receiver.bytesSent(),
        delta: 0,
        streamBytes: wantedStreamBytes(),
        connectionBytes: 0,
        announcing: false,
      };
      members.add(member);
      allow(member, flight.bytes);
      let open = 0;
      const changed = (by: number): void => {
        open += by;
        streams += by;
        // A burst of new streams must not wait: each of them has been promised its window.
        for (const each of members) announce(each);
      };
      return {
        streamOpened() {
          changed(1);
          begin();
        },
        streamClosed: () => changed(-1),
        heard(rttMs) {
          if (deps.clock.monotonic() - loadedAt > 2 * quietTickMs) flight.quiet(rttMs);
        },
        [Symbol.dispose]() {
          members.delete(member);
          changed(-open);
          if (members.size > 0) return;
          timer?.[Symbol.dispose]();
          timer = undefined;
          options.onEmpty?.();
        },
      };
    },
  };
}
