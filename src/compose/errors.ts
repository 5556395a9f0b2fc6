import { CodedError } from '#base/errors.ts';

/** Why a project cannot be run as is asked: its document, what is meant of services, or one of their keys. */
export type ComposeErrorCode = 'BadDocument' | 'BadBehavior' | 'NotPossible';

/** The one error of this room; `hint` is the next step. */
export class ComposeError extends CodedError<ComposeErrorCode> {
  readonly hint: string | undefined;

  constructor(
    code: ComposeErrorCode,
    message: string,
    options: ErrorOptions & { hint?: string } = {},
  ) {
    super(code, message, options);
    this.hint = options.hint;
  }
}
