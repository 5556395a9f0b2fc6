/** The TUN device of a connected laptop. */
export const deviceName = 'tel0';

/**
 * How the user daemon, that may write to the device but not change rules, tells the kernel's gate what
 * it found out: by TCP segments that nobody else sends, which seem to come from an address and port of
 * the cluster and go no further than the gate.
 */
export const gateFlags = {
  /** No flag at all: connections to this address and port may be redirected for a while. */
  open: 0x00,
  /** FIN alone: the next connection is to be tried first. */
  shut: 0x01,
} as const;

/** How long the gate stays open for an address and port. */
export const gateOpenSeconds = 30;

/** The root daemon's own queries, and nobody else's, come from this group: they pass the redirection. */
export const exemptGroup = 7438;
