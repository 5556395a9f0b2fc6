import { fromBinary } from '@bufbuild/protobuf';
import { CodedError } from '#base/errors.ts';
import { FailureSchema, type Failure } from '#protocol/gen/telepresence_pb.ts';

/**
 * `Told`: the daemon said why. `Lost`: it hung up, or is not there. `Silent`: it gives no sign of life.
 * `Aborted`: we gave up.
 */
export type DaemonErrorCode = 'Told' | 'Lost' | 'Silent' | 'Aborted';

/** A call to a daemon that failed. */
export class DaemonCallError extends CodedError<DaemonErrorCode> {
  /** What our own daemons say beside the sentence. */
  readonly failure: Failure | undefined;
  /** What a person can do. */
  readonly hint: string | undefined;

  constructor(
    code: DaemonErrorCode,
    message: string,
    options: ErrorOptions & {
      readonly failure?: Failure | undefined;
      readonly hint?: string | undefined;
    } = {},
  ) {
    super(code, message, options);
    this.failure = options.failure;
    this.hint = options.hint;
  }
}

/** The error in an answer of the Connect protocol: a call's own JSON, or the end of a stream. */
export function answerError(text: string): DaemonCallError {
  const answer = field(parseJson(text), 'error') ?? parseJson(text);
  const message = field(answer, 'message');
  const details = field(answer, 'details');
  const failure = Array.isArray(details)
    ? details.map(readFailure).find((each) => each !== undefined)
    : undefined;
  return new DaemonCallError('Told', typeof message === 'string' ? message : text.slice(0, 500), {
    failure,
  });
}

function readFailure(detail: unknown): Failure | undefined {
  const value = field(detail, 'value');
  if (field(detail, 'type') !== FailureSchema.typeName || typeof value !== 'string') {
    return undefined;
  }
  try {
    return fromBinary(FailureSchema, Buffer.from(value, 'base64'));
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Reflect.get(value, name);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
