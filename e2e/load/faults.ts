import { eventually } from '../eventually.ts';
import { sideOf } from './judge.ts';
import type { LoadRecord } from './record.ts';

/** What the app's users saw of a fault, from its cause until it was over. */
export interface FaultSeen {
  readonly name: string;
  readonly requests: number;
  /** First requests of a connection that nobody answered. */
  readonly lostNew: readonly LoadRecord[];
  /** Requests on connections that had been answered before and were ended. */
  readonly ended: number;
  /** From the cause to the end of the last new connection that was not answered by who should. */
  readonly untilMs: number;
  /** New connections that another side answered than it should be afterwards. */
  readonly otherSide: number;
}

/** So many new connections in a row, all answered by the right side, are what is waited for. */
const rightInARow = 12;

/** Causes a fault and waits until `side` answers every new connection of the load again. */
export async function seeFault(
  name: string,
  side: 'app' | 'laptop',
  records: readonly LoadRecord[],
  cause: () => Promise<unknown>,
): Promise<FaultSeen> {
  const since = Date.now();
  await cause();
  const caused = Date.now();
  const fresh = (): readonly LoadRecord[] =>
    records.filter(({ nth, openedAt }) => nth === 0 && openedAt >= since);
  const isRight = (one: LoadRecord): boolean => one.by !== undefined && sideOf(one.by) === side;
  await eventually(`${name}: the ${side} answers`, 60_000, async () => {
    const last = fresh().filter(({ openedAt }) => openedAt >= caused);
    if (last.length < rightInARow || !last.slice(-rightInARow).every(isRight)) {
      throw new Error(`of the last ${String(rightInARow)} not all: ${JSON.stringify(last.at(-1))}`);
    }
  });
  const all = records.filter(({ askedAt }) => askedAt >= since);
  const seen = {
    name,
    requests: all.length,
    lostNew: fresh().filter(({ by }) => by === undefined),
    ended: all.filter(({ by, nth }) => by === undefined && nth > 0).length,
    untilMs: Math.max(0, ...fresh().flatMap((one) => (isRight(one) ? [] : [one.endedAt - since]))),
    otherSide: fresh().filter((one) => one.by !== undefined && !isRight(one)).length,
  };
  console.log(
    `${name} (${String(caused - since)} ms): ${String(seen.requests)} requests, ` +
      `${String(seen.lostNew.length)} new ones lost, ${String(seen.ended)} ended on kept connections, ` +
      `${String(seen.otherSide)} new ones answered by the other side, the last such after ${String(seen.untilMs)} ms`,
  );
  for (const one of seen.lostNew.slice(0, 5)) console.log(JSON.stringify(one));
  return seen;
}
