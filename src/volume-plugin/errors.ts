import { CodedError } from '#base/errors.ts';

/** What can go wrong with a volume, in words callers can decide by. */
export type VolumePluginErrorCode = 'BadCall' | 'InUse' | 'NoSuchVolume' | 'Refused';

/** The one error class of this room; its message is what Docker prints. */
export class VolumePluginError extends CodedError<VolumePluginErrorCode> {}
