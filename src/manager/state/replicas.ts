import type { ConnectionStatus } from '#protocol/resources.ts';

/** The managers of one installation, by the names of their pods. */
export interface Replicas {
  /** This one. */
  readonly own: string;
  /** Whether a process of that pod can be alive. */
  runs(name: string): boolean;
}

/** Each replica says this often that it still holds a laptop's reverse sessions. */
export const renewEveryMs = 30_000;
/** What was not said again for so long is not so any more: a node that died cannot take it back. */
const staleMs = 100_000;

/** Whether another replica holds reverse sessions of the laptop. */
export function isElsewhere(
  { relays }: Pick<ConnectionStatus, 'relays'>,
  replicas: Replicas,
  nowMs: number,
): boolean {
  return Object.entries(relays ?? {}).some(
    ([name, at]) => name !== replicas.own && counts(name, at, replicas, nowMs),
  );
}

/**
 * What this replica says of itself in a Connection. Each writes its own entry only, so that no two
 * of them write the same field.
 */
export function presenceIn(
  status: ConnectionStatus,
  facts: { readonly here: boolean; readonly own: string; readonly nowMs: number },
): Pick<ConnectionStatus, 'relays' | 'renewTime'> {
  const { here, own, nowMs } = facts;
  const { [own]: said, ...others } = status.relays ?? {};
  const { renewTime } = status;
  if (!here) {
    return {
      ...(status.relays === undefined ? {} : { relays: others }),
      ...(renewTime === undefined ? {} : { renewTime }),
    };
  }
  if (said !== undefined && nowMs - Date.parse(said) < renewEveryMs) {
    return { relays: { ...others, [own]: said }, renewTime: renewTime ?? said };
  }
  const now = new Date(nowMs).toISOString();
  return { relays: { ...others, [own]: now }, renewTime: now };
}

/** The same without what replicas said that are gone: for whoever writes for all. */
export function withoutGone(
  { relays }: Pick<ConnectionStatus, 'relays'>,
  replicas: Replicas,
  nowMs: number,
): Pick<ConnectionStatus, 'relays'> {
  if (relays === undefined) return {};
  return {
    relays: Object.fromEntries(
      Object.entries(relays).filter(
        ([name, at]) => name === replicas.own || counts(name, at, replicas, nowMs),
      ),
    ),
  };
}

function counts(name: string, at: string, replicas: Replicas, nowMs: number): boolean {
  return replicas.runs(name) && nowMs - Date.parse(at) < staleMs;
}
