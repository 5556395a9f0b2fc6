import type { PortProtocol } from '#protocol/agent-config.ts';

/** Where an intercept's connections go. */
export interface HandlerTarget {
  readonly host: string;
  readonly port: number;
}

/** A handler, and what it is to get. */
export interface FoundTarget extends HandlerTarget {
  /** A copy of what clients say, to which nothing is answered. */
  readonly isCopy?: boolean;
}

/** Where in the pod something was taken. */
export interface TakenAt {
  readonly protocol: PortProtocol;
  /** Older agents do not tell it. */
  readonly port: number | undefined;
}

/** Which intercept's traffic goes where, by the Intercept's UID and the app's port. */
export type FindTarget = (interceptUid: string, at: TakenAt) => FoundTarget | undefined;
