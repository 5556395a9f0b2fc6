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
  readonly askedAt: number;
  readonly endedAt: number;
  /** The one who had answered on this connection before. */
  readonly before?: string;
  /** Who answered; undefined when nobody did. */
  readonly by?: string;
  readonly error?: string;
}
