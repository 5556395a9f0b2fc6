/** Where an intercept's connections go. */
export interface HandlerTarget {
  readonly host: string;
  readonly port: number;
}

/** Which intercept's connections go where, by the Intercept's UID. */
export type FindTarget = (interceptUid: string) => HandlerTarget | undefined;
