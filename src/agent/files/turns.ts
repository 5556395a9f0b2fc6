/** Lets only so many run at once; the others wait in line. */
export interface Turns {
  take<T>(run: () => Promise<T>): Promise<T>;
}

export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async take(run) {
      if (running >= most) {
        const turn = Promise.withResolvers<undefined>();
        waiting.push(() => turn.resolve(undefined));
        await turn.promise;
      } else running += 1;
      try {
        return await run();
      } finally {
        // Whoever waits runs in our place.
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
