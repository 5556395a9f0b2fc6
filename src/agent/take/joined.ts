import type { Duplex } from 'node:stream';

import type { Clock } from '#base/clock.ts';
import { splice } from '#tunnel/splice.ts';
import type { Splice } from '#tunnel/splice.ts';

import { switchGraceMs, switchIdleMs } from '../init/rules.ts';

/** With whom a connection is: the app, or the laptop of an intercept, by its UID. */
export type Side = 'app' | { readonly interceptUid: string };

interface Joint {
  readonly port: number;
  readonly side: Side;
  readonly splice: Splice;
}

/** A connection that has come, and is not with anybody yet. Disposed of once that is settled. */
export interface Arrival extends Disposable {
  /** Joins the two ends until both are closed. */
  join(ends: { readonly client: Duplex; readonly server: Duplex }, side: Side): void;
}

/** The connections that pass through the agent. */
export interface Joined {
  readonly size: number;
  /**
   * A connection has come to `port`. Who gets it may be switched before it is settled: it is one of
   * those that were open at that switch then.
   */
  arrive(port: number): Arrival;
  /**
   * New connections of `port` go to `side` from now on: those with another stay there until they
   * are idle for 200 ms, at most 5 s, and are reset then. One that waits for an answer, or on which
   * nobody has spoken yet, is not idle. The rules do the same in the kernel.
   */
  moved(port: number, side: Side): void;
  /** The same for all, whoever has them and those that are still to be joined; resolves when none is left. */
  finish(): Promise<void>;
}

const looks = 4;
const lookEveryMs = switchIdleMs / looks;

/** Holds joined connections, and ends them by the rule of the switch. */
export function createJoined(deps: { readonly clock: Pick<Clock, 'every' | 'monotonic'> }): Joined {
  const joints = new Set<Joint>();
  const moves = new Map<number, { readonly side: Side; readonly at: number }>();
  let arriving = 0;
  let finishedAt: number | undefined;
  let emptied: PromiseWithResolvers<void> | undefined;
  const isEmpty = (): boolean => joints.size === 0 && arriving === 0;

  /** `switchedAt` is when the five seconds begin. */
  const endWhenIdle = (leaving: ReadonlySet<Joint>, switchedAt: number): void => {
    if (leaving.size === 0) return;
    const started = deps.clock.monotonic();
    const seen = new Map(
      [...leaving].map((joint) => [joint, { bytes: bytesOf(joint), at: started, quiet: 0 }]),
    );
    const looking = deps.clock.every(lookEveryMs, () => {
      const now = deps.clock.monotonic();
      for (const [joint, last] of seen) {
        const bytes = bytesOf(joint);
        // Also so many looks: what has come while this process was not run is read between two of them.
        const quiet = bytes === last.bytes ? last.quiet + 1 : 0;
        const isIdle =
          joint.splice.lastFrom === 'b' && quiet >= looks && now - last.at >= switchIdleMs;
        if (!joints.has(joint)) seen.delete(joint);
        else if (isIdle || now - switchedAt >= switchGraceMs) {
          joint.splice.reset(new Error('the port was switched over'));
          seen.delete(joint);
        } else seen.set(joint, { bytes, at: quiet > 0 ? last.at : now, quiet });
      }
      if (seen.size === 0) looking[Symbol.dispose]();
    });
  };

  return {
    get size() {
      return joints.size;
    },
    arrive(port) {
      const before = moves.get(port);
      let settled = false;
      arriving += 1;
      return {
        join({ client, server }, side) {
          const joint = { port, side, splice: splice(client, server) };
          joints.add(joint);
          void joint.splice.ended.then(() => {
            joints.delete(joint);
            if (isEmpty()) emptied?.resolve();
          });
          const move = moves.get(port);
          const isLate = move !== undefined && move !== before && !same(side, move.side);
          const switchedAt = finishedAt ?? (isLate ? move.at : undefined);
          if (switchedAt !== undefined) endWhenIdle(new Set([joint]), switchedAt);
        },
        [Symbol.dispose]() {
          if (settled) return;
          settled = true;
          arriving -= 1;
          if (isEmpty()) emptied?.resolve();
        },
      };
    },
    moved(port, side) {
      const at = deps.clock.monotonic();
      moves.set(port, { side, at });
      const leaving = [...joints].filter((it) => it.port === port && !same(it.side, side));
      endWhenIdle(new Set(leaving), at);
    },
    async finish() {
      if (isEmpty()) return;
      emptied ??= Promise.withResolvers();
      finishedAt ??= deps.clock.monotonic();
      endWhenIdle(new Set(joints), finishedAt);
      await emptied.promise;
    },
  };
}

function bytesOf(joint: Joint): number {
  return joint.splice.bytesFromA + joint.splice.bytesFromB;
}

function same(one: Side, other: Side): boolean {
  if (one === 'app' || other === 'app') return one === other;
  return one.interceptUid === other.interceptUid;
}
