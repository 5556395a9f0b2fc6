import { judge } from './goals.ts';
import type { Verdict } from './goals.ts';
import { valueOf } from './sample.ts';
import type { Of, Quantity, Sample } from './sample.ts';
import { median } from './statistics.ts';
import type { Spread } from './statistics.ts';
import { roundTrips, stageNames } from './stages.ts';
import { align } from './table.ts';

/** The whole report as text. */
export function reportOf(samples: readonly Sample[]): string {
  return [
    ratesTable(samples, { title: 'iperf3, Gbit/s (RTT)', prefix: '' }),
    ratesTable(samples, { title: 'flood, Gbit/s (RTT)', prefix: 'flood ' }),
    waitsTable(samples),
    cpuTable(samples),
    ...(['tunnel', 'ours', 'ours-agent'] as const).map((stage) =>
      goalsTable(judge(samples, stage)),
    ),
    ...failures(samples),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function ratesTable(
  samples: readonly Sample[],
  { title, prefix }: { readonly title: string; readonly prefix: string },
): string {
  const names = ['up 1', 'down 1', 'up 8', 'down 8'];
  return stageTable(samples, {
    title,
    columns: names.map((name) => ({ metric: prefix + name, quantity: 'gbits', title: name })),
  });
}

function waitsTable(samples: readonly Sample[]): string {
  return stageTable(samples, {
    title: 'ms (RTT)',
    columns: [
      { metric: 'http', quantity: 'p50', title: 'http p50' },
      { metric: 'http', quantity: 'p99', title: 'http p99' },
      { metric: 'echo', quantity: 'p50', title: 'echo p50' },
      { metric: 'echo', quantity: 'p99', title: 'echo p99' },
    ],
  });
}

interface Column {
  readonly metric: string;
  readonly quantity: Quantity;
  readonly title: string;
}

/** A row for each path and round trip that was measured. */
function stageTable(
  samples: readonly Sample[],
  table: { readonly title: string; readonly columns: readonly Column[] },
): string {
  const rows = roundTrips.flatMap((rtt) =>
    stageNames.flatMap((stage) => {
      const cells = table.columns.map(({ metric, quantity }) =>
        withSpread(valueOf(samples, { stage, rtt, metric }, quantity)),
      );
      return cells.every((cell) => cell === '') ? [] : [[`${stage} (${rtt} ms)`, ...cells]];
    }),
  );
  if (rows.length === 0) return '';
  return align([[table.title, ...table.columns.map(({ title }) => title)], ...rows]);
}

/** Who used the processor, in milliseconds for each gigabyte of one flow. */
function cpuTable(samples: readonly Sample[]): string {
  const rows = roundTrips.flatMap((rtt) =>
    stageNames.flatMap((stage) =>
      ['up 1', 'down 1', 'up 8', 'down 8'].flatMap((metric) => {
        const costs = cpuCosts(samples, { stage, rtt, metric });
        return costs === '' ? [] : [[`${stage} (${rtt} ms) ${metric}`, costs]];
      }),
    ),
  );
  return rows.length === 0 ? '' : align([['processor ms/GB', ''], ...rows]);
}

function cpuCosts(samples: readonly Sample[], of: Of): string {
  const uses = samples
    .filter((sample) => sample.stage === of.stage && sample.rtt === of.rtt)
    .filter((sample) => sample.metric === of.metric)
    .flatMap(({ cpuPerGb }) => (cpuPerGb === undefined ? [] : [cpuPerGb]));
  const roles = new Set(uses.flatMap((use) => Object.keys(use)));
  return [...roles]
    .map((role) => {
      const values = uses.flatMap((use) =>
        Object.entries(use).flatMap(([name, seconds]) => (name === role ? [seconds] : [])),
      );
      return { role, ms: median(values) * 1000 };
    })
    .filter(({ ms }) => ms >= 20)
    .map(({ role, ms }) => `${role} ${ms.toFixed(0)}`)
    .join(', ');
}

function goalsTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ what, reached, goal, unit, ratioToGoal }) => [
    what,
    withSpread(reached),
    unit === 'ms' ? `≤ ${goal.toFixed(1)} ms` : `≥ ${goal} ×`,
    ratioToGoal.toFixed(2),
    ratioToGoal >= 1 ? 'yes' : 'NO',
  ]);
  return align([['goal', 'reached', 'wanted', 'to goal', ''], ...rows]);
}

function failures(samples: readonly Sample[]): readonly string[] {
  return samples
    .filter(({ failed }) => failed !== undefined)
    .map(
      (sample) => `failed: ${sample.stage} (${sample.rtt} ms) ${sample.metric}: ${sample.failed}`,
    );
}

function withSpread(value: Spread | undefined): string {
  if (value === undefined) return '';
  const { min, max, count } = value;
  const middle = value.median.toFixed(2);
  return count === 1 ? middle : `${middle} (${min.toFixed(2)}–${max.toFixed(2)})`;
}
