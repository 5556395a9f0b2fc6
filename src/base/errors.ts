/**
 * The base of every room's one error class. `code` comes from the room's closed union, so callers
 * decide by code and never by text; `cause` keeps what was caught, unedited.
 */
export class CodedError<Code extends string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Any thrown value as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The system's own code of an error (`ECONNREFUSED`, `ENOENT`…), or undefined. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** An error with all its causes on one line: `dial 10.0.0.4:80: connect ECONNREFUSED`. */
export function describe(thrown: unknown): string {
  const parts: string[] = [];
  let current: unknown = thrown;
  while (current !== undefined && current !== null && parts.length < 8) {
    const error = toError(current);
    const text =
      error.message === '' && error instanceof AggregateError
        ? error.errors.map(describe).join('; ')
        : error.message || error.name;
    if (!parts.some((part) => part.includes(text))) parts.push(text);
    current = error.cause;
  }
  return parts.join(': ');
}
