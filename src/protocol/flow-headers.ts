/** Header of a call on a laptop's outbound session: the UID of the Intercept whose agent is meant. */
export const interceptHeader = 'telepresence-intercept';

/** Header of a CONNECT: who opened the connection that was taken, `address:port`. */
export const sourceHeader = 'telepresence-source';

/** Header of an informational (103) answer of the relay to a CONNECT: how many ms to wait for the laptop. */
export const patienceHeader = 'telepresence-patience-ms';
