import type { GivenUp } from './given-up.ts';
import {
  flows,
  patienceMs,
  portOf,
  type FlowKind,
  type LoadPort,
  type LoadRecord,
} from './record.ts';

/** A change of who is meant to answer at a port: a command, from its start until it returned. */
export interface Switch {
  readonly target: string;
  readonly port: LoadPort;
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
  /** The app answered for a laptop that its agent, by its own log, had asked in vain: decision 2. */
  | 'given up'
  /** Nobody answered, and the rule does not say so. */
  | 'lost';

/**
 * Idle for so long a connection is closed at a switch. That is measured in the pod; by the client's
 * clock it may be shorter by the way there and back, and by as long as the client was not run.
 */
const idleMs = 200 - 50;
/** After so long in any case … */
const graceMs = 5000;
/** … or by as much later as this machine may be late. */
const lateMs = 1000;

/** How one request stands to the rule, given all switches in their order. */
export function judge(record: LoadRecord, switches: readonly Switch[]): Verdict {
  const port = portOf(record.kind);
  const own = switches.filter((one) => one.target === record.target && one.port === port);
  if (record.by === undefined) return isByRule(record, own) ? 'closed by rule' : 'lost';
  if (record.before !== undefined && record.before !== record.by) return 'wrong side';
  if (record.nth === 0) {
    return mayOpenWith(record, own).has(sideOf(record.by)) ? 'right' : 'wrong side';
  }
  const lastAt = (staleNow(record, own)?.endedAt ?? Infinity) + graceMs + lateMs + record.stalledMs;
  return record.askedAt > lastAt ? 'wrong side' : 'right';
}

/**
 * The switch by which this connection was with the wrong side when it was asked. One that was undone
 * within the 5 s does not count: whoever has the port again may keep the connections it still has.
 */
function staleNow(record: LoadRecord, own: readonly Switch[]): Switch | undefined {
  const latest = own.findLast(({ startedAt }) => startedAt <= record.askedAt);
  if (latest === undefined || latest.endedAt < record.openedAt) return undefined;
  return latest.to === sideOf(record.before) ? undefined : latest;
}

/** Who may get a connection whose first request this is: while a command runs, either. */
function mayOpenWith(record: LoadRecord, own: readonly Switch[]): ReadonlySet<string> {
  const before = own.findLast(({ endedAt }) => endedAt < record.openedAt);
  const during = own.filter(
    ({ startedAt, endedAt }) => endedAt >= record.openedAt && startedAt <= record.endedAt,
  );
  return new Set([before?.to ?? 'app', ...during.map(({ to }) => to)]);
}

/**
 * The switch that took the port from who has this connection. A command takes effect somewhere between
 * its start and its end: a connection may have been opened before that while the command ran.
 */
function staleBy(record: LoadRecord, own: readonly Switch[]): Switch | undefined {
  return own.find(
    ({ to, endedAt }) =>
      endedAt >= record.openedAt && (record.before === undefined || to !== sideOf(record.before)),
  );
}

function isByRule(record: LoadRecord, own: readonly Switch[]): boolean {
  const stale = staleBy(record, own);
  const tookMs = record.endedAt - record.askedAt;
  if (isRefused(record)) return false;
  if (stale === undefined || record.endedAt < stale.startedAt || tookMs >= patienceMs) return false;
  // Also a first request that took so long: it was on its way when the port was switched.
  const switchedAt = Math.max(stale.startedAt, record.openedAt);
  if (record.endedAt - switchedAt >= graceMs) return true;
  // Only HTTP/1 asks with its connection's first word: all others are answered and say more before.
  const hasSpoken = record.nth > 0 || !record.kind.startsWith('http');
  if (hasSpoken && record.idleMs + record.stalledMs >= idleMs) return true;
  // What HTTP/2's server says of the connection is no answer, but counts as one: see docs/adr/0014.
  return record.kind.startsWith('grpc') && tookMs >= idleMs;
}

function isRefused({ error }: LoadRecord): boolean {
  return error?.includes('ECONNREFUSED') === true;
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
  givenUp: number;
  closedByRule: number;
  slowestMs: number;
}

/** The counts of each kind; a connection that was given up is excused by one entry of its agent's log. */
export function tally(
  records: readonly LoadRecord[],
  switches: readonly Switch[],
  givenUp: readonly GivenUp[],
): { readonly counts: ReadonlyMap<FlowKind, Tally>; readonly faults: readonly LoadRecord[] } {
  const counts = new Map<FlowKind, Tally>(flows.map((kind) => [kind, emptyTally()]));
  const faults: LoadRecord[] = [];
  const excused = excuse(givenUp);
  for (const record of records) {
    const count = counts.get(record.kind) ?? emptyTally();
    count.total += 1;
    if (record.by !== undefined) count[sideOf(record.by)] += 1;
    count.slowestMs = Math.max(count.slowestMs, record.endedAt - record.askedAt);
    let verdict = judge(record, switches);
    if (verdict === 'wrong side' && excused.isGivenUp(record)) verdict = 'given up';
    if (verdict === 'lost' && excused.isEnded(record)) verdict = 'closed by rule';
    if (verdict === 'given up') count.givenUp += 1;
    if (verdict === 'closed by rule') count.closedByRule += 1;
    if (verdict === 'wrong side') count.wrongSide += 1;
    if (verdict === 'lost') count.lost += 1;
    if (verdict === 'wrong side' || verdict === 'lost') faults.push(record);
  }
  return { counts, faults };
}

/** Which of the app's answers stand for a laptop's, and what may become of their connections; in the order of the records. */
function excuse(givenUp: readonly GivenUp[]): {
  isGivenUp(record: LoadRecord): boolean;
  /** Once the laptop answers there again, the connection is ended as at a switch: when it is idle. */
  isEnded(record: LoadRecord): boolean;
} {
  const unused = new Set(givenUp);
  const connections = new Set<string>();
  const connectionOf = ({ kind, target, openedAt }: LoadRecord): string =>
    `${kind} ${target} ${String(openedAt)}`;
  const isGivenUp = (record: LoadRecord): boolean => {
    const { kind, openedAt, endedAt, askedAt, stalledMs, by } = record;
    const port = portOf(kind);
    const connection = connectionOf(record);
    if (record.nth === 0) {
      const entry = [...unused].find(
        ({ pod, port: its, at }) => pod === by && its === port && at >= openedAt && at <= endedAt,
      );
      if (entry === undefined) return false;
      unused.delete(entry);
      connections.add(connection);
      return true;
    }
    const silent = givenUp.filter(({ pod, port: its }) => pod === by && its === port);
    const last = Math.max(...silent.map(({ at }) => at));
    return connections.has(connection) && askedAt <= last + graceMs + 2 * lateMs + stalledMs;
  };
  return {
    isGivenUp,
    isEnded: (record) =>
      connections.has(connectionOf(record)) &&
      !isRefused(record) &&
      (record.idleMs + record.stalledMs >= idleMs || record.endedAt - record.openedAt >= graceMs),
  };
}

function emptyTally(): Tally {
  return {
    total: 0,
    app: 0,
    laptop: 0,
    wrongSide: 0,
    lost: 0,
    givenUp: 0,
    closedByRule: 0,
    slowestMs: 0,
  };
}
