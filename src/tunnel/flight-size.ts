/** What came in over a while in which bytes flowed, and how long a PING took meanwhile. */
export interface FlightSample {
  /** Milliseconds of the monotonic clock at its end. */
  readonly at: number;
  readonly bytesPerMs: number;
  readonly rttMs: number;
}

/** How many bytes the other end may have under way towards us, over all its connections. */
export interface FlightSize {
  readonly bytes: number;
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
const firstProbeMs = 1000;
const lastProbeMs = 60_000;
/** By so much a round trip may be long for another reason than a queue. More is noise. */
const mostInherentMs = 50;
const quietSamples = 6;

/** A change that still has to prove itself. */
interface Trial {
  readonly direction: 'up' | 'down';
  readonly before: { readonly bytes: number; readonly bytesPerMs: number; readonly rttMs: number };
  readonly rates: number[];
}

/**
 * Follows the bandwidth-delay product: what arrives in a millisecond times the shortest round trip,
 * and three quarters of it (15 ms at the least) for the queue. The shortest, since every byte too
 * many under way makes round trips longer and would seem to ask for more.
 *
 * A round trip may be longer for another reason (a busy machine, a proxy that takes its time), and
 * the rate low only because we allow no more. So a shrinking that costs a twelfth of the rate is taken
 * back, and twice as much is tried now and then; it stays when it brings a third more.
 */
export function createFlightSize(): FlightSize {
  let bytes = firstFlightBytes;
  let shortest = Infinity;
  let inherent = 0;
  let recentQuiet: number[] = [];
  let trial: Trial | undefined;
  let settledAt = -Infinity;
  let probeAt = Infinity;
  let shrinkAt = -Infinity;
  let shrinkWait = firstProbeMs;
  let probeWait = firstProbeMs;

  const change = (to: number, sample: FlightSample): boolean => {
    const next = Math.min(maxFlightBytes, Math.max(minFlightBytes, Math.round(to)));
    if (next === bytes) return false;
    bytes = next;
    // What is under way now was allowed before.
    settledAt = sample.at + 2 * sample.rttMs;
    return true;
  };
  const start = (direction: Trial['direction'], to: number, sample: FlightSample): void => {
    const before = { ...sample, bytes };
    if (change(to, sample)) trial = { direction, before, rates: [] };
  };
  const judge = ({ direction, before, rates }: Trial, sample: FlightSample): void => {
    const rate = rates.reduce((sum, each) => sum + each, 0) / rates.length;
    trial = undefined;
    if (direction === 'down') {
      if (rate >= 0.92 * before.bytesPerMs) {
        shrinkWait = firstProbeMs;
        return;
      }
      shrinkAt = sample.at + shrinkWait;
      shrinkWait = Math.min(2 * shrinkWait, lastProbeMs);
      inherent = Math.max(inherent, 0.6 * before.rttMs);
      change(before.bytes, sample);
      return;
    }
    if (rate >= 1.3 * before.bytesPerMs) {
      inherent = Math.max(inherent, 0.8 * before.rttMs);
      probeWait = firstProbeMs;
      probeAt = sample.at;
      return;
    }
    change(before.bytes, sample);
    probeWait = Math.min(2 * probeWait, lastProbeMs);
    probeAt = sample.at + probeWait;
  };

  return {
    get bytes() {
      return bytes;
    },
    quiet(rttMs) {
      recentQuiet = [...recentQuiet, rttMs].slice(-quietSamples);
      shortest = Math.min(...recentQuiet);
      inherent = 0;
      probeAt = Infinity;
    },
    sample(sample) {
      shortest = Math.min(shortest, sample.rttMs);
      if (sample.at < settledAt) return;
      if (trial !== undefined) {
        trial.rates.push(sample.bytesPerMs);
        if (trial.rates.length === 3) judge(trial, sample);
        return;
      }
      // Who sends less than it may says nothing about the link.
      if (sample.bytesPerMs * sample.rttMs < (2 / 3) * bytes) return;
      if (probeAt === Infinity) probeAt = sample.at + probeWait;
      const base = Math.max(shortest, Math.min(inherent, shortest + mostInherentMs));
      const wanted = sample.bytesPerMs * (base + Math.max(queueShare * base, slackMs));
      if (wanted >= 1.15 * bytes) change(Math.min(wanted, 2 * bytes), sample);
      else if (wanted <= bytes / 1.15 && sample.at >= shrinkAt)
        start('down', Math.max(wanted, bytes / 2), sample);
      else if (sample.at >= probeAt && sample.rttMs <= shortest + 2 * mostInherentMs) {
        start('up', 2 * bytes, sample);
      }
    },
  };
}
