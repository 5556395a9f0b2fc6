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

/** Which intercept's connections go where, by the Intercept's UID and the app's port, if that is known. */
export type FindTarget = (
  interceptUid: string,
  port: number | undefined,
) => FoundTarget | undefined;
