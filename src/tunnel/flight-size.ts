/** What came in between two moments while bytes flowed, and how long a PING took meanwhile. */
export interface FlightSample {
  /** Milliseconds of the monotonic clock at its beginning and end. */
  readonly since: number;
  readonly at: number;
  readonly bytesPerMs: number;
  readonly rttMs: number;
}

/** How many bytes the other end may have under way towards us, over all its connections. */
export interface FlightSize {
  readonly bytes: number;
  /** The next sample decides something: it should not be long in coming. */
  readonly isTrying: boolean;
  /** A round trip while nothing much flowed: what the way itself takes. */
  quiet(rttMs: number): void;
  /** One measurement while bytes flowed. */
  sample(sample: FlightSample): void;
}

/** Below it even a slow and near link would stutter. */
export const minFlightBytes = 64 * 1024;
/** Above it nothing was ever gained. */
export const maxFlightBytes = 16 * 1024 * 1024;
/** Where an unknown link starts: what does well nearly everywhere, until more is known. */
export const firstFlightBytes = 1024 * 1024;

/** So long a queue is nobody's trouble, and so much two programs need under load to take turns. */
const slackMs = 15;
/** The part of a round trip for which the queue may hold bytes, beside those on their way. */
const queueShare = 0.75;
/** What was taken back is tried again after this, then after twice as long each time. */
const firstWaitMs = { up: 4000, down: 1000 } as const;
const longestWaitMs = 60_000;
/** By so much a round trip may be long for another reason than a queue. More is noise. */
const mostInherentMs = 50;
/** Who has less than this of it under way does not wait for more. */
const filledShare = 0.4;
/** So many in a row say it. */
const idleSamples = 3;
const quietSamples = 6;
const loadedSamples = 5;

type Direction = 'up' | 'down';

/** How fast and how far away the other end was while one size held. */
interface Look {
  readonly bytes: number;
  readonly samples: number;
  readonly bytesPerMs: number;
  /** On an unknown link a short one: a queue is in all of them, a machine's other work in some. */
  readonly rttMs: number;
}

/** The value below which such a part of all is. */
function ofAll(values: readonly number[], part: number, round: (index: number) => number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[round(part * (values.length - 1))] ?? Infinity;
}

/** A change that still has to prove itself. */
interface Trial {
  readonly direction: Direction;
  readonly before: Look;
}

/** Whether a change has proven itself; undefined while the samples do not tell. */
const verdicts: Readonly<Record<Direction, (now: Look, before: Look) => boolean | undefined>> = {
  up(now, before) {
    const gain = now.bytesPerMs / before.bytesPerMs;
    // What only makes a queue ends at once.
    if (gain < 1.1 && now.rttMs > 1.4 * before.rttMs) return false;
    if (gain >= 1.2 && now.samples >= 2) return true;
    return now.samples < 4 ? undefined : false;
  },
  down(now, before) {
    const gain = now.bytesPerMs / before.bytesPerMs;
    if (gain < 0.75 && now.samples >= 2) return false;
    return now.samples < 4 ? undefined : gain >= 0.92;
  },
};

/**
 * Follows the bandwidth-delay product: lets so much be under way that a PING takes the _shortest_
 * round trip, and three quarters of it (15 ms at the least) for the queue. The shortest, since every
 * byte too many under way makes round trips longer and would seem to ask for more.
 *
 * A round trip may be longer for another reason (a busy machine, a proxy that takes its time), and
 * the rate low only because we allow no more. So on an unknown link twice as much is tried, and again
 * as long as it brings a fifth more; later half as much more now and then. A shrinking that costs a
 * twelfth of the rate is taken back.
 */
export function createFlightSize(): FlightSize {
  let bytes = firstFlightBytes;
  let shortest = Infinity;
  let recentQuiet: number[] = [];
  /** Since `bytes` changed, or the last of them. */
  let recent: FlightSample[] = [];
  let unfilled = 0;
  let isUnknown = true;
  let trial: Trial | undefined;
  let settledAt = -Infinity;
  const again: Record<Direction, { at: number; waitMs: number }> = {
    up: { at: -Infinity, waitMs: firstWaitMs.up },
    down: { at: -Infinity, waitMs: firstWaitMs.down },
  };

  const look = (): Look => {
    const rtts = recent.map(({ rttMs }) => rttMs);
    const rates = recent.map((each) => each.bytesPerMs);
    return {
      bytes,
      samples: recent.length,
      bytesPerMs: (ofAll(rates, 0.5, Math.floor) + ofAll(rates, 0.5, Math.ceil)) / 2,
      rttMs: ofAll(rtts, isUnknown ? 0.25 : 0.5, Math.floor),
    };
  };
  const change = (to: number, { at, rttMs }: FlightSample): boolean => {
    const next = Math.min(maxFlightBytes, Math.max(minFlightBytes, Math.round(to)));
    if (next === bytes) return false;
    // Until then comes what was allowed before.
    settledAt = at + (next > bytes ? 1 : 1.5) * Math.min(rttMs, look().rttMs);
    bytes = next;
    recent = [];
    return true;
  };
  const start = (direction: Direction, to: number, sample: FlightSample): void => {
    const before = look();
    if (change(to, sample)) trial = { direction, before };
  };
  const giveUp = ({ before }: Trial, sample: FlightSample): void => {
    trial = undefined;
    change(before.bytes, sample);
  };
  const judge = (judged: Trial, sample: FlightSample): void => {
    const { direction, before } = judged;
    const { at } = sample;
    const good = verdicts[direction](look(), before);
    if (good === undefined) return;
    const isQueue = (direction === 'up') !== good;
    if (isQueue) {
      isUnknown = false;
      again.up.at = Math.max(again.up.at, at + again.up.waitMs);
    }
    const next = again[direction];
    if (good) {
      trial = undefined;
      next.waitMs = firstWaitMs[direction];
      return;
    }
    next.at = at + next.waitMs;
    next.waitMs = Math.min(2 * next.waitMs, longestWaitMs);
    giveUp(judged, sample);
  };
  const adapt = (sample: FlightSample): void => {
    const { at } = sample;
    const { samples, rttMs } = look();
    const wanted = (bytes * (shortest + Math.max(queueShare * shortest, slackMs))) / rttMs;
    const waited = rttMs - shortest;
    const isSure = samples >= 3;
    // Where less was not enough a moment ago, more may well be better, however long a PING took.
    const mayDouble = waited <= (at < again.down.at ? 2 : 1) * mostInherentMs;
    if (wanted >= 1.15 * bytes && (isUnknown || isSure)) {
      change(Math.min(wanted, (isUnknown ? 2 : 1.25) * bytes), sample);
    } else if (isUnknown && mayDouble && samples >= 2) start('up', 2 * bytes, sample);
    else if (isSure && wanted <= bytes / 1.2 && at >= again.down.at) {
      start('down', Math.max(wanted, bytes / 4), sample);
    } else if (isSure && at >= again.up.at && waited <= 2 * mostInherentMs) {
      start('up', 1.5 * bytes, sample);
    }
  };

  return {
    get bytes() {
      return bytes;
    },
    get isTrying() {
      return trial !== undefined || (isUnknown && recent.length > 0 && bytes < maxFlightBytes);
    },
    quiet(rttMs) {
      recentQuiet = [...recentQuiet, rttMs].slice(-quietSamples);
      shortest = Math.min(...recentQuiet);
    },
    sample(sample) {
      const { since, bytesPerMs, rttMs } = sample;
      shortest = Math.min(shortest, rttMs);
      if (since < settledAt) return;
      // Who sends less than it may says nothing about the link. Credit comes back by halves of a
      // window, so that even who waits for it has less than half under way now and then.
      const enough = filledShare * Math.min(bytes, trial?.before.bytes ?? bytes);
      unfilled = bytesPerMs * rttMs < enough ? unfilled + 1 : 0;
      if (unfilled >= idleSamples) {
        recent = [];
        if (trial !== undefined) giveUp(trial, sample);
      }
      if (unfilled > 0) return;
      recent = [...recent, sample].slice(-loadedSamples);
      if (trial === undefined) adapt(sample);
      else judge(trial, sample);
    },
  };
}
