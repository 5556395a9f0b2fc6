import { systemCode } from '#base/errors.ts';
import { statusCodes } from '#protocol/sftp/numbers.ts';
import type { SftpReply } from '#protocol/sftp/reply.ts';

const reasons = {
  EACCES: statusCodes.permissionDenied,
  EBADF: statusCodes.failure,
  EINVAL: statusCodes.failure,
  ELOOP: statusCodes.failure,
  EMFILE: statusCodes.failure,
  ENAMETOOLONG: statusCodes.failure,
  ENOENT: statusCodes.noSuchFile,
  ENOTDIR: statusCodes.noSuchFile,
  ENOTSUP: statusCodes.unsupported,
  EPERM: statusCodes.permissionDenied,
  EEXIST: statusCodes.failure,
  EROFS: statusCodes.permissionDenied,
} as const;

/** What the server itself refuses, by the name that the system would give it. */
export class FileTrouble extends Error {
  readonly code: keyof typeof reasons;

  constructor(code: keyof typeof reasons, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** Anything caught while a request was answered, as SFTP says it. No path of the agent is told. */
export function troubleReply(error: unknown): SftpReply {
  const code = systemCode(error) ?? '';
  const known: Readonly<Record<string, number>> = reasons;
  return { kind: 'status', code: known[code] ?? statusCodes.failure, message: code };
}
