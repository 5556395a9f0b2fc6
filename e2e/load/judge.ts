import { flows, type FlowKind, type LoadRecord } from './record.ts';

/** A change of who is meant to answer: a command, from its start until it returned. */
export interface Switch {
  readonly target: string;
  readonly to: 'app' | 'laptop';
  readonly startedAt: number;
  readonly endedAt: number;
}

/** What became of a request, in the words of the switch-over rule. */
export type Verdict =
  | 'right'
  /** Somebody answered who must not. */
  | 'wrong side'
  /** Its connection was closed under it as the rule says: it had been idle, or 5 s had passed. */
  | 'closed by rule'
  /** Nobody answered, and the rule does not say so. */
  | 'lost';

/** Idle for so long a connection is closed at a switch; a client's clock may be off by a little. */
const idleMs = 200 - 50;
/** After so long in any case … */
const graceMs = 5000;
/** … or by as much later as this machine may be late. */
const lateMs = 1000;

/** How one request stands to the rule, given all switches of its target in their order. */
export function judge(record: LoadRecord, switches: readonly Switch[]): Verdict {
  const own = switches.filter(({ target }) => target === record.target);
  const before = own.findLast(({ startedAt }) => startedAt <= record.openedAt);
  const opened = before?.to ?? 'app';
  const sides = new Set([opened]);
  // While a command runs, new connections may already or still go to either side.
  const opening = record.nth === 0 ? record.endedAt : record.openedAt;
  for (const one of own) {
    if (one.endedAt >= record.openedAt && one.startedAt <= opening) {
      sides.add('app').add('laptop');
    }
  }
  const stale = own.find(
    ({ to, startedAt }) => startedAt >= record.openedAt - lateMs && to !== sideOf(record.before),
  );
  if (record.by === undefined) {
    if (record.nth === 0 || stale === undefined || record.endedAt < stale.startedAt) return 'lost';
    const isRule = record.idleMs >= idleMs || record.endedAt - stale.startedAt >= graceMs - lateMs;
    return isRule ? 'closed by rule' : 'lost';
  }
  if (record.before !== undefined && record.before !== record.by) return 'wrong side';
  if (record.nth === 0) return sides.has(sideOf(record.by)) ? 'right' : 'wrong side';
  const isLate = stale !== undefined && record.askedAt > stale.endedAt + graceMs + lateMs;
  return isLate ? 'wrong side' : 'right';
}

/** Who is meant by a server's name. */
export function sideOf(name: string | undefined): 'app' | 'laptop' {
  return name === 'laptop' ? 'laptop' : 'app';
}

/** Requests of one kind, counted. */
export interface Tally {
  total: number;
  app: number;
  laptop: number;
  wrongSide: number;
  lost: number;
  closedByRule: number;
  slowestMs: number;
}

/** The counts of each kind. */
export function tally(
  records: readonly LoadRecord[],
  switches: readonly Switch[],
): { readonly counts: ReadonlyMap<FlowKind, Tally>; readonly faults: readonly LoadRecord[] } {
  const counts = new Map<FlowKind, Tally>(flows.map((kind) => [kind, emptyTally()]));
  const faults: LoadRecord[] = [];
  for (const record of records) {
    const count = counts.get(record.kind) ?? emptyTally();
    count.total += 1;
    if (record.by !== undefined) count[sideOf(record.by)] += 1;
    count.slowestMs = Math.max(count.slowestMs, record.endedAt - record.askedAt);
    const verdict = judge(record, switches);
    if (verdict === 'closed by rule') count.closedByRule += 1;
    if (verdict === 'wrong side') count.wrongSide += 1;
    if (verdict === 'lost') count.lost += 1;
    if (verdict === 'wrong side' || verdict === 'lost') faults.push(record);
  }
  return { counts, faults };
}

function emptyTally(): Tally {
  return { total: 0, app: 0, laptop: 0, wrongSide: 0, lost: 0, closedByRule: 0, slowestMs: 0 };
}
