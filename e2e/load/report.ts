import type { GivenUp } from './given-up.ts';
import { portOf, type LoadRecord } from './record.ts';
import { sideOf, tally, type Switch } from './judge.ts';

const heads = [
  'total',
  'app',
  'laptop',
  'wrong side',
  'lost',
  'given up',
  'closed by rule',
  'slowest ms',
];

/** The counts of each protocol as a table, how long switches took, and the first of what went wrong. */
export function report(
  records: readonly LoadRecord[],
  switches: readonly Switch[],
  givenUp: readonly GivenUp[] = [],
): string {
  const { counts, faults } = tally(records, switches, givenUp);
  const rows = [...counts].map(([kind, count]): readonly (string | number)[] => {
    const { total, app, laptop, wrongSide, lost, givenUp, closedByRule, slowestMs } = count;
    return [kind, total, app, laptop, wrongSide, lost, givenUp, closedByRule, slowestMs];
  });
  const sum = (at: number): number => rows.reduce((total, row) => total + Number(row[at]), 0);
  rows.push([
    'all',
    ...[1, 2, 3, 4, 5, 6, 7].map(sum),
    Math.max(...rows.map((row) => Number(row[8]))),
  ]);
  const took = (to: 'app' | 'laptop', of: (one: Switch) => number): string =>
    spread(switches.filter((one) => one.to === to).map(of));
  return [
    ''.padEnd(18) + heads.map((head) => cellOf(head, head)).join(''),
    ...rows.map(
      ([kind, ...cells]) =>
        String(kind).padEnd(18) + cells.map((cell, at) => cellOf(String(cell), heads[at])).join(''),
    ),
    `${String(switches.length)} switches of a port, by both sides for a moment (ms): ` +
      `to the laptop ${took('laptop', (one) => bothMs(one, records))}, ` +
      `to the app ${took('app', (one) => bothMs(one, records))}`,
    `the command: intercept ${took('laptop', (one) => one.endedAt - one.startedAt)}, ` +
      `leave ${took('app', (one) => one.endedAt - one.startedAt)}`,
    ...faults
      .slice(0, 10)
      .map((fault) => `${JSON.stringify(fault)} ${nearestSwitch(fault, switches)}`),
  ].join('\n');
}

/** The switch of its port that had begun last when it was asked, and how long before. */
function nearestSwitch({ kind, target, askedAt }: LoadRecord, all: readonly Switch[]): string {
  const own = all.filter((one) => one.target === target && one.port === portOf(kind));
  const last = own.findLast(({ startedAt }) => startedAt <= askedAt);
  if (last === undefined) return 'before all switches';
  const [began, ended] = [askedAt - last.startedAt, askedAt - last.endedAt];
  return `to the ${last.to} since ${String(began)} ms, the command back since ${String(ended)} ms`;
}

/**
 * How long new connections were answered by both sides around a switch, as its clients saw it: from
 * when the first one was answered by the new side to when the last one was opened that the old side got.
 */
function bothMs(one: Switch, records: readonly LoadRecord[]): number {
  const during = records.filter(
    ({ target, kind, nth, by, openedAt }) =>
      target === one.target &&
      portOf(kind) === one.port &&
      nth === 0 &&
      by !== undefined &&
      openedAt >= one.startedAt &&
      openedAt <= one.endedAt + 1000,
  );
  const isNew = ({ by }: LoadRecord): boolean => sideOf(by) === one.to;
  const first = Math.min(...during.filter(isNew).map(({ endedAt }) => endedAt));
  const last = Math.max(...during.filter((it) => !isNew(it)).map(({ openedAt }) => openedAt));
  return Math.max(0, last - first);
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `median ${String(median)}, most ${String(sorted.at(-1) ?? 0)}`;
}

function cellOf(text: string, head = ''): string {
  return text.padStart(Math.max(head.length, 6) + 2);
}
