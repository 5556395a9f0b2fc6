import type { Clock } from '#base/clock.ts';

/** Whether the manager has said what is to be taken, and taking it is possible. */
export interface FirstTold {
  /** So many takes are wanted. */
  wanted(count: number): void;
  /** Connections can be brought to the manager. */
  reachable(reachable: boolean): void;
  /** Resolves when both is known, or after `ms`. */
  within(clock: Pick<Clock, 'after'>, ms: number): Promise<void>;
}

/** Nothing is known yet. */
export function createFirstTold(): FirstTold {
  const told = Promise.withResolvers<void>();
  let count: number | undefined;
  let isReachable = false;
  const look = (): void => {
    if (count === 0 || (count !== undefined && isReachable)) told.resolve();
  };
  return {
    wanted(takes) {
      count = takes;
      look();
    },
    reachable(reachable) {
      isReachable = reachable;
      look();
    },
    async within(clock, ms) {
      using _timer = clock.after(ms, told.resolve);
      await told.promise;
    },
  };
}
