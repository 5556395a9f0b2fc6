import { CodedError } from '#base/errors.ts';

/** Values that cannot be installed. */
export class InstallError extends CodedError<'BadValues'> {}
