import { ratioOf, valueOf } from './sample.ts';
import type { Of, Sample } from './sample.ts';
import type { RoundTrip, StageName } from './stages.ts';
import type { Spread } from './statistics.ts';

/** A goal for the transport and what was reached. */
export interface Verdict {
  readonly what: string;
  readonly reached: Spread;
  readonly goal: number;
  readonly unit: 'times' | 'ms';
  /** 1 and more is reached. */
  readonly ratioToGoal: number;
}

/** Holds what was measured of `stage` against the goals; those without samples are left out. */
export function judge(samples: readonly Sample[], stage: StageName): readonly Verdict[] {
  const rates = (['up', 'down'] as const).flatMap((direction) =>
    ([1, 8] as const).map((flows) => `${direction} ${flows}`),
  );
  return [
    ...rates.map((metric) => times(samples, { stage, rtt: 0, metric }, { stage: 'raw' }, 0.6)),
    ...rates.map((metric) =>
      times(samples, { stage, rtt: 0, metric: `flood ${metric}` }, { stage: 'kubectl' }, 1),
    ),
    ...['flood up 1', 'flood down 1'].map((metric) =>
      times(samples, { stage, rtt: 20, metric }, { stage: 'kubectl' }, 3),
    ),
    ...['up 8', 'down 8'].map((metric) =>
      times(samples, { stage, rtt: 20, metric }, { rtt: 0 }, 0.8),
    ),
    atMost(samples, { stage, rtt: 0, metric: 'http' }, 3),
    atMost(samples, { stage, rtt: 20, metric: 'http' }, realRoundTrip(samples) + 3),
  ].filter((verdict) => verdict !== undefined);
}

/** What the delaying relay really adds: its timers are late by some milliseconds. */
function realRoundTrip(samples: readonly Sample[]): number {
  const echo = (rtt: RoundTrip): number | undefined =>
    valueOf(samples, { stage: 'raw', rtt, metric: 'echo' }, 'p50')?.median;
  const [near, far] = [echo(0), echo(20)];
  return near === undefined || far === undefined ? 20 : far - near;
}

function times(
  samples: readonly Sample[],
  of: Of,
  other: { readonly stage?: StageName; readonly rtt?: RoundTrip },
  goal: number,
): Verdict | undefined {
  const to = { ...of, ...other };
  const reached = ratioOf(samples, { of, to, quantity: 'gbits' });
  if (reached === undefined) return undefined;
  const what = `${titleOf(of)} / ${other.stage ?? `${to.rtt} ms`}`;
  return { what, reached, goal, unit: 'times', ratioToGoal: reached.median / goal };
}

function atMost(samples: readonly Sample[], of: Of, goal: number): Verdict | undefined {
  const reached = valueOf(samples, of, 'p50');
  if (reached === undefined) return undefined;
  const what = `${titleOf(of)}, p50`;
  return { what, reached, goal, unit: 'ms', ratioToGoal: goal / reached.median };
}

function titleOf(of: Of): string {
  return `${of.metric} at ${of.rtt} ms: ${of.stage}`;
}
