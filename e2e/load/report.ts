import { tally } from './judge.ts';
import type { LoadSite } from './site.ts';

/** The counts of each protocol as a table, and the first of what went wrong. */
export function report(site: Pick<LoadSite, 'client' | 'switches'>): string {
  const { counts, faults } = tally(site.client.records, site.switches);
  const heads = ['total', 'app', 'laptop', 'wrong side', 'lost', 'closed by rule', 'slowest ms'];
  const rows = [...counts].map(([kind, count]) => {
    const { total, app, laptop, wrongSide, lost, closedByRule, slowestMs } = count;
    const cells = [total, app, laptop, wrongSide, lost, closedByRule, slowestMs];
    return kind.padEnd(18) + cells.map((cell, at) => cellOf(String(cell), heads[at])).join('');
  });
  const took = site.switches.map(({ startedAt, endedAt }) => endedAt - startedAt);
  return [
    ''.padEnd(18) + heads.map((head) => cellOf(head, head)).join(''),
    ...rows,
    `${String(took.length)} switches of two ports, the slowest in ${String(Math.max(...took))} ms`,
    ...faults.slice(0, 10).map((fault) => JSON.stringify(fault)),
  ].join('\n');
}

function cellOf(text: string, head = ''): string {
  return text.padStart(head.length + 2);
}
