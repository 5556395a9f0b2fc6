import { access, constants } from 'node:fs/promises';
import { commandFailure } from '#docker/command-failure.ts';
import type { DockerCommand } from '#docker/command.ts';
import { findCommand } from '#docker/find-command.ts';
import type { CliContext } from '../context.ts';
import { docked } from '../docker/docker-failure.ts';
import { CliError } from '../errors.ts';

/** `docker compose` of the user's docker command. */
export interface ComposeCommand {
  readonly docker: DockerCommand;
  readonly version: string;
  /** The words of its watcher, which was new once, and started nothing itself then. */
  readonly watch: readonly string[];
}

/** Finds it, or says what to install. */
export async function openCompose(
  context: CliContext,
  { docker }: { readonly docker: DockerCommand },
): Promise<ComposeCommand> {
  const { signal } = context;
  const args = ['compose', 'version', '--short'];
  const { status, stdout, stderr } = await docked(
    async () => await docker.run(args, { signal, mayFail: true }),
  );
  const version = stdout.trim().replace(/^v/, '');
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version) ?? [];
  if (status !== 0 || major === undefined || minor === undefined) {
    const noCommand =
      /is not a docker command|unknown (shorthand )?(flag|command)|compose.*not found/i;
    if (!noCommand.test(stderr) && status !== 0) {
      throw commandFailure({ path: docker.path, args, status, said: stderr });
    }
    throw await noCompose(context, docker);
  }
  if (Number(major) < 2) throw tooOld(version);
  const isNew = Number(major) > 2 || Number(minor) >= 22;
  return { docker, version, watch: isNew ? ['watch', '--no-up'] : ['alpha', 'watch'] };
}

async function noCompose({ env }: CliContext, { path }: DockerCommand): Promise<CliError> {
  const isExecutable = (file: string): Promise<boolean> =>
    access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
  const old = await findCommand(
    { env, platform: process.platform, isExecutable },
    'docker-compose',
  );
  const found = old === undefined ? '' : `; ${old} is no part of it`;
  return new CliError('Failed', `${path} has no compose command${found}`, {
    hint: 'install the plugin: https://docs.docker.com/compose/install/',
  });
}

function tooOld(version: string): CliError {
  return new CliError('Failed', `docker compose is version ${version}, and 2 is needed`, {
    hint: 'install a newer one: https://docs.docker.com/compose/install/',
  });
}
