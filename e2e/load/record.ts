/** The protocols, each by connections that stay and by new ones. */
export const flows = [
  'http kept busy',
  'http kept idle',
  'http new',
  'http post new',
  'websocket kept',
  'websocket new',
  'grpc kept',
  'grpc new',
  'postgres kept',
  'postgres new',
] as const;
export type FlowKind = (typeof flows)[number];

/** A client gives up a request then: by it one that hangs is found, and a slow machine is not. */
export const patienceMs = 30_000;

/** A port of the app, which an intercept has or has not. */
export type LoadPort = 'web' | 'pg';

/** The port that a protocol is spoken on. */
export function portOf(kind: FlowKind): LoadPort {
  return kind.startsWith('postgres') ? 'pg' : 'web';
}

/** Whether its requests are GETs: all else may have an effect. */
export function isSafe(kind: FlowKind): boolean {
  return kind.startsWith('http') && kind !== 'http post new';
}

/** One request of the load, as its client saw it. Times are ms since the epoch. */
export interface LoadRecord {
  readonly kind: FlowKind;
  readonly target: string;
  readonly id: string;
  /** When the client began to open the connection that carried it. */
  readonly openedAt: number;
  /** How many requests were answered on this connection before. */
  readonly nth: number;
  /** How long nothing had been said on the connection when it was asked; 0 for the first. */
  readonly idleMs: number;
  /**
   * For how long the client was not run from when it had asked before until `endedAt`: so much later may
   * it have read an answer, or written what it asked.
   */
  readonly stalledMs: number;
  readonly askedAt: number;
  readonly endedAt: number;
  /** The one who had answered on this connection before. */
  readonly before?: string;
  /** Who answered; undefined when nobody did. */
  readonly by?: string;
  readonly error?: string;
}
