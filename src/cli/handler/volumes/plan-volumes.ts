import { join } from 'node:path';
import type { DockerCommand } from '#docker/command.ts';
import { readEngine } from '#docker/engine.ts';
import { DockerError } from '#docker/errors.ts';
import { networkName } from '#docker/ours.ts';
import { preparePlugin } from '#docker/plugin/prepare-plugin.ts';
import type { DescribeResponse } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../../context.ts';
import { CliError } from '../../errors.ts';
import type { ParsedLine } from '../../parse/flag-spec.ts';
import type { MountAsked } from '../../parse/mount.ts';

/** How a handler in Docker is to see the pod's volumes, before anything is intercepted. */
export interface VolumePlan {
  /** The address, inside the sandbox, on which the daemon serves the files. */
  readonly serveOn: string;
  readonly readOnly: boolean;
  /** The directory of the container below which they are; `/`: where they are in the pod. */
  readonly root: string;
  /** The volume plugin's name, or why there is none. */
  readonly driver: string | { readonly lacks: string };
  /** The container whose network the daemon's is. */
  readonly sandbox: string;
  /** Our own image, which the daemon runs: its programs may copy, where there is no plugin. */
  readonly image: string;
}

/** The directory of `--docker-mount`, or of `--mount PATH`; `/` where neither says one. */
export function dockerMountRoot(line: ParsedLine, mount: MountAsked | undefined): string {
  const typed = line.text('docker-mount');
  if (typed === undefined || typed === '') return mount?.path || '/';
  if (mount === undefined) {
    throw new CliError('Usage', '--docker-mount: with --mount=false there are no volumes', {
      hint: 'leave one of the two out',
    });
  }
  if (!typed.startsWith('/') || typed.includes(':')) {
    throw new CliError(
      'Usage',
      `invalid argument "${typed}" for "--docker-mount": the absolute path of a directory of the container`,
    );
  }
  return typed;
}

/** Sees to it that the engine can show a pod's files, which the first time takes some seconds. */
export async function planVolumes(
  context: CliContext,
  { docker, inDocker }: { readonly docker: DockerCommand; readonly inDocker: DescribeResponse },
  asked: { readonly readOnly: boolean; readonly root: string },
): Promise<VolumePlan> {
  const { signal } = context;
  const { networkContainer: sandbox } = inDocker;
  const [{ serveOn, image }, driver] = await Promise.all([
    lookAt(docker, sandbox, signal),
    findDriver(context, docker),
  ]);
  return { ...asked, sandbox, serveOn, image, driver };
}

/**
 * Where the engine can have no plugin there is another way. Whatever else went wrong is said: copies in
 * place of volumes would lose what is written to them.
 */
async function findDriver(
  context: CliContext,
  docker: DockerCommand,
): Promise<VolumePlan['driver']> {
  const { clock, env, places, programs, signal } = context;
  try {
    const facts = await readEngine({ docker }, signal);
    return await preparePlugin(
      {
        clock,
        docker,
        facts,
        root: programs.packageRoot,
        cacheDirectory: join(places.cacheDir, 'node'),
        temporaryDirectory: places.cacheDir,
        env,
        platform: process.platform,
        progress: (line) => {
          if (context.interactive) context.warn(line);
        },
      },
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    return { lacks: whyNoPlugins(error) };
  }
}

/** Why the engine can have no plugins; throws what is no such reason. */
export function whyNoPlugins(error: unknown): string {
  if (error instanceof DockerError && error.code === 'EngineUnfit') return error.message;
  throw error;
}

/** The sandbox's address on our network: what it has on others is for others. */
async function lookAt(
  docker: DockerCommand,
  sandbox: string,
  signal: AbortSignal,
): Promise<{ readonly serveOn: string; readonly image: string }> {
  const format = `{{.Config.Image}} {{with index .NetworkSettings.Networks "${networkName}"}}{{.IPAddress}}{{end}}`;
  const { stdout } = await docker.run(['inspect', '--format', format, sandbox], { signal });
  const [image = '', serveOn = ''] = stdout.trim().split(' ');
  if (serveOn !== '') return { serveOn, image };
  throw new CliError('Failed', `the container ${sandbox} is not in the network ${networkName}`, {
    hint: 'connect anew: telepresence quit, then telepresence connect --docker',
  });
}
