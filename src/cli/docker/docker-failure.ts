import { openDockerCommand, type DockerCommand } from '#docker/command.ts';
import { DockerError } from '#docker/errors.ts';
import type { CliContext } from '../context.ts';
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

/** Runs something of Docker, with what it could not do as the CLI prints it. */
export async function docked<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw dockerFailure(error);
  }
}

/** The user's docker command. */
export async function openDocker({ env }: CliContext): Promise<DockerCommand> {
  return await docked(async () => await openDockerCommand({ env, platform: process.platform }));
}
