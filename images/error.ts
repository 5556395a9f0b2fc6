import { CodedError } from '#base/errors.ts';

/** Something that an image is made of is not there. */
export class ImageError extends CodedError<'NotBundled' | 'NotInstalled'> {}
