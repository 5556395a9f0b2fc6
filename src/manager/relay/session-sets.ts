import type { SessionLife } from '#tunnel/session-life.ts';

/** What may stand in a set: a session, or a pipe that ends like one. */
export type Member = Pick<SessionLife, 'isOpen' | 'closed' | 'destroy'>;

/** Sessions by whom they belong to. A closed one leaves by itself. */
export interface SessionSets<S extends Member> {
  add(owner: string, session: S): void;
  /** Those that take flows now. */
  of(owner: string): readonly S[];
  /** Everybody's, also those that only wait for their flows to end. */
  all(): readonly S[];
  owners(): Iterable<string>;
  /** Drops all of one owner. */
  end(owner: string, reason: Error): void;
  endAll(reason: Error): void;
}

/** Empty sets; `onChange` is called after each coming and going. */
export function createSessionSets<S extends Member>(onChange: () => void): SessionSets<S> {
  const sets = new Map<string, Set<S>>();
  const end = (owner: string, reason: Error): void => {
    for (const session of sets.get(owner) ?? []) session.destroy(reason);
  };
  return {
    add(owner, session) {
      const set = sets.get(owner) ?? new Set();
      sets.set(owner, set.add(session));
      void session.closed.then(() => {
        set.delete(session);
        if (set.size === 0 && sets.get(owner) === set) sets.delete(owner);
        onChange();
      });
      onChange();
    },
    of: (owner) => [...(sets.get(owner) ?? [])].filter((session) => session.isOpen),
    all: () => [...sets.values()].flatMap((set) => Array.from(set)),
    owners: () => sets.keys(),
    end,
    endAll(reason) {
      for (const owner of sets.keys()) end(owner, reason);
    },
  };
}
