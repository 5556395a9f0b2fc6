import { CodedError } from '#base/errors.ts';

/** What can go wrong between us and a Docker Engine, in words callers can decide by. */
export type DockerErrorCode =
  | 'BadAnswer'
  | 'CommandFailed'
  | 'EngineUnfit'
  | 'ImagePartMissing'
  | 'KernelLacks'
  | 'NameInUse'
  | 'NoCommand'
  | 'NetworkInUse'
  | 'NotPermitted'
  | 'NotRunning'
  | 'PortTaken'
  | 'UnknownContext'
  | 'Unreachable'
  | 'VersionsDiffer';

/** The one error class of this room: one sentence for people, and the next step where there is one. */
export class DockerError extends CodedError<DockerErrorCode> {
  readonly hint: string | undefined;

  constructor(
    code: DockerErrorCode,
    message: string,
    options: ErrorOptions & { readonly hint?: string } = {},
  ) {
    super(code, message, options);
    this.hint = options.hint;
  }
}
