import { CodedError } from '#base/errors.ts';

/** What can go wrong with the machine, in words callers can decide by. */
export type HostErrorCode =
  | 'AddressInUse'
  | 'NativeMissing'
  | 'NftFailed'
  | 'NftLost'
  | 'NftMissing'
  | 'NotPermitted'
  | 'SystemCall'
  | 'TableInUse'
  | 'ToolFailed'
  | 'ToolMissing'
  | 'TunMissing';

/** The one error class of this room. */
export class HostError extends CodedError<HostErrorCode> {}
