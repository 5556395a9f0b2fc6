import { CodedError } from '#base/errors.ts';

/** What can go wrong with a playground, one code for each thing a caller may decide by. */
export type PlaygroundCode =
  | 'BadUsage'
  | 'NotDebian'
  | 'NotRoot'
  | 'NotUp'
  | 'PackagesMissing'
  | 'Busy'
  | 'BuildFailed'
  | 'StartFailed'
  | 'TooLate'
  | 'CleanupFailed';

/** The playground's one error. */
export class PlaygroundError extends CodedError<PlaygroundCode> {}
