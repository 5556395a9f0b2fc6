import { CodedError } from '#base/errors.ts';

/** Why a command ends with exit code 1: what was typed, the daemons, the cluster, or a file. */
export type CliErrorCode = 'Usage' | 'Daemon' | 'Failed' | 'Interrupted';

/** The one error of this room; `hint` is the next step, printed on a line of its own. */
export class CliError extends CodedError<CliErrorCode> {
  readonly hint: string | undefined;

  constructor(code: CliErrorCode, message: string, options: ErrorOptions & { hint?: string } = {}) {
    super(code, message, options);
    this.hint = options.hint;
  }
}
