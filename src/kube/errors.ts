import { CodedError, describe, systemCode } from '#base/errors.ts';
import { DeadlineError } from '#base/wait.ts';

/**
 * What can go wrong with the API server. The first nine are its own reasons; `Unavailable` is its
 * 5xx (no endpoints, overloaded, starting), `Unreachable` is no answer at all, `BadObject` an answer
 * that is not what we asked for, `BadConfig` a kubeconfig that cannot be used.
 */
export type KubeErrorCode =
  | 'NotFound'
  | 'Conflict'
  | 'Forbidden'
  | 'Unauthorized'
  | 'Invalid'
  | 'AlreadyExists'
  | 'Gone'
  | 'TooManyRequests'
  | 'Unavailable'
  | 'Unreachable'
  | 'BadObject'
  | 'BadConfig'
  | 'Other';

interface KubeErrorOptions extends ErrorOptions {
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** `status.details.retryAfterSeconds` or the Retry-After header. */
  readonly retryAfterMs?: number;
}

/** The one error of this room. */
export class KubeError extends CodedError<KubeErrorCode> {
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: KubeErrorCode, message: string, options: KubeErrorOptions = {}) {
    super(code, message, options);
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whether `thrown` is a KubeError with one of these codes. */
export function isKubeError(
  thrown: unknown,
  ...codes: readonly KubeErrorCode[]
): thrown is KubeError {
  return thrown instanceof KubeError && (codes.length === 0 || codes.includes(thrown.code));
}

/** What was caught on the way to the API server, as a KubeError; `what` says what was tried. */
export function unreachable(what: string, thrown: unknown): KubeError {
  if (thrown instanceof KubeError) return thrown;
  const code = systemCode(thrown);
  const reason =
    thrown instanceof DeadlineError ? thrown.message : `${what}: ${describe(thrown)}${hint(code)}`;
  return new KubeError('Unreachable', reason, { cause: thrown });
}

function hint(code: string | undefined): string {
  return code !== undefined && unknownAuthority.has(code)
    ? ' (signed by an authority that is not in the kubeconfig)'
    : '';
}

const unknownAuthority: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
