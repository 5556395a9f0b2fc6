/** The way of one client's datagrams to whoever answers them. */
export interface DatagramLeg {
  /** Sends a datagram, or loses it. */
  send(payload: Buffer): void;
  /** Nothing comes of it any more. */
  close(): void;
}

/** Why a leg that nobody has closed is over. */
export type LegEnd =
  /**
   * The laptop cannot be asked: the app is to answer, and to get what nobody else has had. Where the laptop
   * is only late, what it has had may still be answered by the leg, which is to be closed some time.
   */
  | { readonly kind: 'app'; readonly unsent: readonly Buffer[]; readonly late: boolean }
  /** The laptop says that its handler cannot be reached. */
  | { readonly kind: 'refused' }
  /** It had answered, and is gone. */
  | { readonly kind: 'ended' };
