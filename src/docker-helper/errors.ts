import { CodedError } from '#base/errors.ts';

/** `Lost`: the daemon in the container is gone. `Refused`: it does not take our token. `NoPort`: the laptop has none for it. */
export type HelperErrorCode = 'Lost' | 'NoPort' | 'Refused';

/** The one error of this room. */
export class HelperError extends CodedError<HelperErrorCode> {}
