/** Hands over the latest value only: what was not taken before a newer one came is skipped. */
export interface LatestQueue<T> extends AsyncIterable<T>, Disposable {
  put(value: T): void;
}

/** An empty queue for one reader; disposing it ends the reading. */
export function createLatestQueue<T>(): LatestQueue<T> {
  const state: { latest?: { readonly value: T } | undefined; ended: boolean } = { ended: false };
  let wake = Promise.withResolvers<undefined>();
  const tell = (): void => {
    wake.resolve(undefined);
    wake = Promise.withResolvers<undefined>();
  };
  return {
    put(value) {
      state.latest = { value };
      tell();
    },
    [Symbol.dispose]() {
      state.ended = true;
      tell();
    },
    async *[Symbol.asyncIterator]() {
      while (!state.ended) {
        if (state.latest === undefined) {
          await wake.promise;
          continue;
        }
        const { value } = state.latest;
        state.latest = undefined;
        yield value;
      }
    },
  };
}
