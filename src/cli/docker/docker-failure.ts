import { DockerError } from '#docker/errors.ts';
import { CliError } from '../errors.ts';

/** What Docker could not do, as the sentence and the step that the CLI prints. */
export function dockerFailure(thrown: unknown): unknown {
  if (!(thrown instanceof DockerError)) return thrown;
  const { message, hint } = thrown;
  return new CliError('Failed', message, {
    cause: thrown,
    ...(hint === undefined ? {} : { hint }),
  });
}
