import { CodedError, describe, toError } from '#base/errors.ts';
import type { FailureCode } from '#protocol/failures.ts';
import { isKubeError, type KubeError } from '#kube/errors.ts';

/** The one error of this room: its code and facts travel to the CLI, which makes the sentence. */
export class UserDaemonError extends CodedError<FailureCode> {
  readonly facts: Readonly<Record<string, string>>;

  constructor(
    code: FailureCode,
    message: string,
    options: ErrorOptions & { readonly facts?: Readonly<Record<string, string>> } = {},
  ) {
    super(code, message, options);
    this.facts = options.facts ?? {};
  }
}

/** Where the words are whole, with what to do about it, their cause only repeats them. */
function told(error: KubeError): string {
  return error.hint === undefined && error.code !== 'Unauthorized'
    ? describe(error)
    : error.message;
}

/** Anything caught while talking to the API server, with the code that the CLI has a sentence for. */
export function clusterFailure(
  thrown: unknown,
  facts: Readonly<Record<string, string>> = {},
): Error {
  if (!isKubeError(thrown)) return toError(thrown);
  const failure = (code: FailureCode): UserDaemonError =>
    new UserDaemonError(code, told(thrown), {
      cause: thrown,
      facts: thrown.hint === undefined ? facts : { ...facts, hint: thrown.hint },
    });
  switch (thrown.code) {
    case 'BadConfig':
      return failure('BadKubeconfig');
    case 'Unauthorized':
      return failure('Unauthorized');
    case 'Forbidden':
      return failure('Forbidden');
    case 'NoUpgrade':
      return failure('UpgradeRefused');
    case 'Unreachable':
    case 'NotKubernetes':
    case 'Unavailable':
    case 'TooManyRequests':
      return failure('ClusterUnreachable');
    case 'NotFound':
    case 'Conflict':
    case 'Invalid':
    case 'AlreadyExists':
    case 'Gone':
    case 'BadObject':
    case 'Other':
      return failure('Internal');
    default:
      return thrown.code satisfies never;
  }
}
