import { CodedError } from '#base/errors.ts';

/** `Lost`: the daemon in the container is gone. `Refused`: it does not take our token. */
export type HelperErrorCode = 'Lost' | 'Refused';

/** The one error of this room. */
export class HelperError extends CodedError<HelperErrorCode> {}
