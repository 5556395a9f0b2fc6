/**
 * Header of a call or a flow on a laptop's outbound session: the UID of the Intercept whose agent is
 * meant. A flow that has it goes to the loopback address of that agent's pod.
 */
export const interceptHeader = 'telepresence-intercept';

/**
 * Header of a flow on a laptop's outbound session: the workload from one of whose pods it is to leave.
 * It has to be one that the laptop's own Connection names.
 */
export const viaHeader = 'telepresence-via';

/** Header of a CONNECT: who opened the connection that was taken, `address:port`. */
export const sourceHeader = 'telepresence-source';

/** Header of a CONNECT: the container's port at which the connection was taken; older agents leave it out. */
export const takenPortHeader = 'telepresence-port';

/** Header of an informational (103) answer of the relay to a CONNECT: how many ms to wait for the laptop. */
export const patienceHeader = 'telepresence-patience-ms';
