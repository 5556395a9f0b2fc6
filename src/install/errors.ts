import { CodedError } from '#base/errors.ts';

/** The one error of this room: a program was started with what no installation of this version writes. */
export class InstallError extends CodedError<'BadConfig'> {}
