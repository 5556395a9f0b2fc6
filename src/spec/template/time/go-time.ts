/** A moment, and the zone in which it is shown. */
export class GoTime {
  readonly type = 'time.Time';
  /** Nanoseconds since the epoch. */
  readonly nanos: bigint;
  /** `UTC`, a name of the zone database, or a fixed offset (`fixed:+3600:CET`). */
  readonly zone: string;

  constructor(nanos: bigint, zone: string) {
    this.nanos = nanos;
    this.zone = zone;
  }

  /** Whole seconds since the epoch, rounded down. */
  seconds(): bigint {
    const below = this.nanos % 1_000_000_000n < 0n ? 1n : 0n;
    return this.nanos / 1_000_000_000n - below;
  }

  /** The rest behind the whole seconds. */
  fraction(): number {
    return Number(this.nanos - this.seconds() * 1_000_000_000n);
  }
}

/** A time of a number of seconds since the epoch. */
export function ofSeconds(seconds: bigint, zone: string): GoTime {
  return new GoTime(seconds * 1_000_000_000n, zone);
}

/** What Go has where a date could not be read: the first of January of the year 1. */
export const zeroTime = new GoTime(-62_135_596_800n * 1_000_000_000n, 'UTC');
