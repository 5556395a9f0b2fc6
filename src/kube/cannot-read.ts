import { describe, systemCode } from '#base/errors.ts';

/** Why a file that was named cannot be read, as the end of a sentence. */
export function cannotRead(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'does not exist';
    case 'EISDIR':
      return 'is a directory';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by this user';
    case undefined:
    default:
      return `cannot be read: ${describe(error)}`;
  }
}
