import { CodedError } from '#base/errors.ts';

/** Why the other side would not open a flow. Each has its status in refusal.ts. */
export const refusals = ['Refused', 'Unreachable', 'Forbidden', 'Unavailable', 'TimedOut'] as const;
export type Refusal = (typeof refusals)[number];

/**
 * A refusal, or: `Lost` the connection died under it; `Reset` the flow alone was torn down;
 * `Malformed` the peer does not speak our protocol; `Unproven` its proof or ours was not accepted.
 */
export type TunnelErrorCode = Refusal | 'Lost' | 'Reset' | 'Malformed' | 'Unproven';

/** Everything that goes wrong in this room. */
export class TunnelError extends CodedError<TunnelErrorCode> {}
