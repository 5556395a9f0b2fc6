import { CodedError } from '#base/errors.ts';

/** Why a bench cannot measure. */
export class BenchError extends CodedError<'BadUsage' | 'NotReady' | 'BadOutput'> {}
