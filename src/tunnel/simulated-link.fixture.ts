import { manualClock } from './manual-clock.fixture.ts';
import { createReceiveWindows } from './receive-windows.ts';
import type { Receiver } from './receive-windows.ts';

/** A way with one narrow place and one queue before it, on which somebody sends all that is allowed. */
export interface LinkOptions {
  readonly mbits: number;
  /** Of a PING while nothing flows. */
  readonly rttMs: number;
  /** How much of the time the narrow place does nothing, for up to 40 ms at a time: a busy machine. */
  readonly stalledShare: number;
  readonly seconds: number;
}

/** What came of it. */
export interface LinkReport {
  readonly firstSecondMbits: number;
  /** After two seconds: */
  readonly mbits: number;
  readonly queueMs: { readonly p50: number; readonly p99: number };
}

/** Bytes or a PING that reach the next place at a time. */
interface Parcel<T> {
  readonly at: number;
  readonly what: T;
}

interface Ping {
  readonly askedAt: number;
  readonly resolve: (ms: number) => void;
}

const maxStallMs = 40;

/** Lets the real windows of a receiver and a made-up link play for a while, millisecond by millisecond. */
export async function playLink(options: LinkOptions): Promise<LinkReport> {
  const { mbits, rttMs, stalledShare, seconds } = options;
  const clock = manualClock();
  const random = randomNumbers();
  const halfMs = rttMs / 2;
  const bytesPerMs = mbits * 125;
  const credits: Parcel<number>[] = [];
  const arrivals: Parcel<number>[] = [];
  const pings: Parcel<Ping>[] = [];
  const queuedPings: Parcel<Ping>[] = [];
  const receiver = flowControl((bytes) => credits.push({ at: clock.now() + halfMs, what: bytes }));
  let sent = 0;
  let served = 0;
  let stalledMs = 0;

  const windows = createReceiveWindows({ clock }, { budgetBytes: 128 * 1024 * 1024 });
  using part = windows.attach({
    session: {
      destroyed: false,
      closed: false,
      settings: (settings, done) => void clock.after(rttMs, () => done?.(null, settings, rttMs)),
      setLocalWindowSize: receiver.setWindow,
    },
    bytesReceived: () => receiver.received,
    bytesSent: () => 0,
    ping: () =>
      new Promise((resolve) => {
        const what = { askedAt: clock.now(), resolve };
        pings.push({ at: clock.now() + halfMs, what });
      }),
  });
  part.heard(rttMs);
  part.streamOpened({ readableLength: 0 });

  const pass = (): void => {
    const now = clock.now();
    for (const bytes of due(credits, now)) sent += bytes;
    // The answer waits behind what was sent before it.
    for (const what of due(pings, now)) queuedPings.push({ at: sent, what });
    if (stalledMs > 0) stalledMs -= 1;
    else {
      if (random() < (2 * stalledShare) / maxStallMs) stalledMs = Math.ceil(random() * maxStallMs);
      const bytes = Math.min(sent - served, bytesPerMs);
      served += bytes;
      arrivals.push({ at: now + halfMs, what: bytes });
    }
    for (const { askedAt, resolve } of due(queuedPings, served)) {
      clock.after(halfMs, () => resolve(clock.now() - askedAt));
    }
    for (const bytes of due(arrivals, now)) receiver.take(bytes);
  };
  const queues: number[] = [];
  const receivedAfter: number[] = [];
  for (let ms = 0; ms < seconds * 1000; ms += 1) {
    if (ms % 1000 === 0) receivedAfter.push(receiver.received);
    pass();
    await clock.pass(1);
    if (ms >= 2000) queues.push((sent - served) / bytesPerMs);
  }
  const sorted = queues.toSorted((one, other) => one - other);
  const quantile = (part: number): number => sorted[Math.floor(part * sorted.length)] ?? 0;
  const [, first = 0, second = 0] = receivedAfter;
  return {
    firstSecondMbits: (first * 8) / 1e6,
    mbits: ((receiver.received - second) * 8) / (seconds - 2) / 1e6,
    queueMs: { p50: quantile(0.5), p99: quantile(0.99) },
  };
}

/** A session's flow control as nghttp2 does it: credit comes back by halves of a window. */
function flowControl(giveCredit: (bytes: number) => void) {
  let window = 0;
  let withheld = 0;
  let unreturned = 0;
  let received = 0;
  const withhold = (bytes: number): number => {
    const kept = Math.min(withheld, bytes);
    withheld -= kept;
    return bytes - kept;
  };
  const setWindow: Receiver['session']['setLocalWindowSize'] = (bytes) => {
    const more = bytes - window;
    window = bytes;
    if (more > 0) giveCredit(withhold(more));
    else withheld -= more;
  };
  return {
    setWindow,
    take(bytes: number): void {
      received += bytes;
      unreturned += withhold(bytes);
      if (unreturned < window / 2) return;
      giveCredit(unreturned);
      unreturned = 0;
    },
    get received() {
      return received;
    },
  };
}

/** Takes out what has its time. */
function due<T>(parcels: Parcel<T>[], now: number): readonly T[] {
  const upTo = parcels.findIndex(({ at }) => at > now);
  return parcels.splice(0, upTo < 0 ? parcels.length : upTo).map(({ what }) => what);
}

/** The same in each run. */
function randomNumbers(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
