/** What is to be called when a promise settles, as long as somebody waits for it. */
interface Entry {
  readonly wakes: Set<() => void>;
  isSettled: boolean;
}

const entries = new WeakMap<Promise<unknown>, Entry>();

/**
 * `Promise.race` for promises that outlive it: each race of `Promise.race` stays with every promise
 * that took part in it until that one settles, so a loop that races one for "the end" grows without
 * end. Here a race that is decided leaves nothing behind.
 */
export async function race<T>(contenders: readonly Promise<T>[]): Promise<T> {
  const decided = Promise.withResolvers<{ readonly winner: Promise<T> }>();
  const joined = contenders.map((winner) => {
    const wake = (): void => decided.resolve({ winner });
    const entry = entries.get(winner) ?? enter(winner);
    if (entry.isSettled) wake();
    else entry.wakes.add(wake);
    return { entry, wake };
  });
  const { winner } = await decided.promise;
  for (const { entry, wake } of joined) entry.wakes.delete(wake);
  return await winner;
}

function enter(contender: Promise<unknown>): Entry {
  const entry: Entry = { wakes: new Set(), isSettled: false };
  entries.set(contender, entry);
  const settle = (): void => {
    entry.isSettled = true;
    for (const wake of entry.wakes) wake();
    entry.wakes.clear();
  };
  contender.then(settle, settle);
  return entry;
}
