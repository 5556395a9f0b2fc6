import type { Clock } from '#base/clock.ts';

/** What one manager has said so far. */
interface Said {
  /** Undefined: nothing yet. */
  readonly epoch: bigint | undefined;
  readonly takes: { readonly length: number };
  /** Connections can be brought to it. */
  readonly reachable: boolean;
}

/** Whether the managers have said what is to be taken, and taking it is possible. */
export interface FirstTold {
  /** All managers that are known of, after each change. */
  look(managers: readonly Said[]): void;
  /** Resolves when all is known, or after `ms`. */
  within(clock: Pick<Clock, 'after'>, ms: number): Promise<void>;
}

/** Nothing is known yet. */
export function createFirstTold(): FirstTold {
  const told = Promise.withResolvers<void>();
  return {
    look(managers) {
      const isTold = ({ epoch, takes, reachable }: Said): boolean =>
        epoch !== undefined && (takes.length === 0 || reachable);
      if (managers.length > 0 && managers.every(isTold)) told.resolve();
    },
    async within(clock, ms) {
      using _timer = clock.after(ms, told.resolve);
      await told.promise;
    },
  };
}
