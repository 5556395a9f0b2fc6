import { CodedError, describe, systemCode } from '#base/errors.ts';
import { DeadlineError } from '#base/wait.ts';

/**
 * What can go wrong with the API server. The first nine are its own reasons; `Unavailable` is its
 * 5xx (no endpoints, overloaded, starting), `Unreachable` is no answer at all, `NoUpgrade` one by
 * something that passes no upgraded connection, `NotKubernetes` one by something that is no API
 * server, `BadObject` an answer that is not what we asked for, `BadConfig` a kubeconfig that cannot
 * be used.
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
  | 'NoUpgrade'
  | 'NotKubernetes'
  | 'BadObject'
  | 'BadConfig'
  | 'Other';

interface KubeErrorOptions extends ErrorOptions {
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** `status.details.retryAfterSeconds` or the Retry-After header. */
  readonly retryAfterMs?: number;
  /** What to do about it, where whoever raises it knows. */
  readonly hint?: string | undefined;
}

/** The one error of this room. */
export class KubeError extends CodedError<KubeErrorCode> {
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly hint: string | undefined;

  constructor(code: KubeErrorCode, message: string, options: KubeErrorOptions = {}) {
    super(code, message, options);
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.hint = options.hint;
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
  if (thrown instanceof DeadlineError) {
    return new KubeError('Unreachable', thrown.message, { cause: thrown });
  }
  const distrust = certificateTrouble(systemCode(thrown), describe(thrown));
  return new KubeError('Unreachable', `${what}: ${distrust?.message ?? describe(thrown)}`, {
    cause: thrown,
    hint: distrust?.hint,
  });
}

/** Why a certificate is not trusted, in our words: Node's name its own flags. */
function certificateTrouble(
  code: string | undefined,
  words: string,
): { readonly message: string; readonly hint: string } | undefined {
  if (code === undefined) return undefined;
  if (unknownAuthority.has(code)) {
    return {
      message: 'its certificate is not signed by the authority in the kubeconfig',
      hint: "is this the right cluster? give its authority with --certificate-authority FILE, or get the kubeconfig anew from the cluster's administrator",
    };
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return {
      message: 'its certificate has expired',
      hint: "the cluster's administrator has to renew it; or is this machine's clock wrong?",
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      message: `its certificate is for other names (${words.replace(/^.*altnames: /, '')})`,
      hint: 'use a name that is in it as the server of the kubeconfig, or give one with --tls-server-name NAME',
    };
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO') {
    return {
      message: 'it does not speak TLS',
      hint: 'check the server in the kubeconfig, its port above all',
    };
  }
  return undefined;
}

const unknownAuthority: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
