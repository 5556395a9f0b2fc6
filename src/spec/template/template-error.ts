import { CodedError } from '#base/errors.ts';

/** BadTemplate: the text is no template; BadCall: something in it failed; TooMuch: a bound was met. */
export type TemplateErrorCode = 'BadTemplate' | 'BadCall' | 'TooMuch';

/** The one error of this room. It never leaves `expandTemplate`, which returns it with its place. */
export class TemplateError extends CodedError<TemplateErrorCode> {
  /** Offset into the template, once it is known. */
  readonly offset: number | undefined;
  /** What of the template stands there, in Go's way of writing it. */
  readonly at: string | undefined;

  constructor(
    code: TemplateErrorCode,
    message: string,
    options: { readonly offset?: number; readonly at?: string; readonly cause?: unknown } = {},
  ) {
    super(code, message, options.cause === undefined ? undefined : { cause: options.cause });
    this.offset = options.offset;
    this.at = options.at;
  }
}

/** What a function of the template says when it cannot do what is asked; the place is added later. */
export function fault(message: string): TemplateError {
  return new TemplateError('BadCall', message);
}
