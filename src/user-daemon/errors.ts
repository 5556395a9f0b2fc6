import { CodedError, describe, toError } from '#base/errors.ts';
import type { FailureCode } from '#protocol/failures.ts';
import { isKubeError } from '#kube/errors.ts';

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

/** Anything caught while talking to the API server, with the code that the CLI has a sentence for. */
export function clusterFailure(
  thrown: unknown,
  facts: Readonly<Record<string, string>> = {},
): Error {
  if (!isKubeError(thrown)) return toError(thrown);
  const failure = (code: FailureCode): UserDaemonError =>
    new UserDaemonError(code, describe(thrown), { cause: thrown, facts });
  switch (thrown.code) {
    case 'BadConfig':
      return failure('BadKubeconfig');
    case 'Unauthorized':
      return failure('Unauthorized');
    case 'Forbidden':
      return failure('Forbidden');
    case 'Unreachable':
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
