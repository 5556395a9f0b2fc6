import type { Role } from './cpu.ts';
import type { RoundTrip, StageName } from './stages.ts';
import { spread } from './statistics.ts';
import type { Spread } from './statistics.ts';

/** One measurement of one round. A failed one says why and has no values. */
export interface Sample {
  readonly round: number;
  readonly stage: StageName;
  readonly rtt: RoundTrip;
  /** As `metricName` says it. */
  readonly metric: string;
  /** Gbit/s. */
  readonly gbits?: number;
  /** Milliseconds. */
  readonly p50?: number;
  readonly p99?: number;
  readonly cpuPerGb?: Readonly<Partial<Record<Role, number>>>;
  readonly failed?: string;
}

/** Which samples are meant. */
export interface Of {
  readonly stage: StageName;
  readonly rtt: RoundTrip;
  readonly metric: string;
}

export type Quantity = 'gbits' | 'p50' | 'p99';

function valuesOf(
  samples: readonly Sample[],
  of: Of,
  quantity: Quantity,
): readonly { readonly round: number; readonly value: number }[] {
  return samples
    .filter(
      ({ stage, rtt, metric }) => stage === of.stage && rtt === of.rtt && metric === of.metric,
    )
    .flatMap(({ round, [quantity]: value }) => (value === undefined ? [] : [{ round, value }]));
}

/** All rounds' values of one thing; undefined where there are none. */
export function valueOf(
  samples: readonly Sample[],
  of: Of,
  quantity: Quantity,
): Spread | undefined {
  return spread(valuesOf(samples, of, quantity).map(({ value }) => value));
}

/** One thing divided by another round by round, so that what disturbs both cancels out. */
export function ratioOf(
  samples: readonly Sample[],
  pair: { readonly of: Of; readonly to: Of; readonly quantity: Quantity },
): Spread | undefined {
  const below = valuesOf(samples, pair.to, pair.quantity);
  const ratios = valuesOf(samples, pair.of, pair.quantity).flatMap(({ round, value }) => {
    const other = below.find((sample) => sample.round === round);
    return other === undefined ? [] : [value / other.value];
  });
  return spread(ratios);
}
