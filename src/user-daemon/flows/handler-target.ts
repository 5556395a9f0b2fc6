/** Where an intercept's connections go. */
export interface HandlerTarget {
  readonly host: string;
  readonly port: number;
}

/** Which intercept's connections go where, by the Intercept's UID and the app's port, if that is known. */
export type FindTarget = (
  interceptUid: string,
  port: number | undefined,
) => HandlerTarget | undefined;
