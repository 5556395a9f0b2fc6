import { hostname } from 'node:os';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { openDockerCommand, type DockerCommand } from '#docker/command.ts';
import { readEngine } from '#docker/engine.ts';
import { DockerError } from '#docker/errors.ts';
import { laptopId } from '#docker/ours.ts';
import { prepareImage } from '#docker/image/prepare-image.ts';
import { testEngineKernel } from '#docker/self-test.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import type {
  ConnectRequestSchema,
  DescribeResponse,
  KubeFlags,
} from '#protocol/gen/telepresence_pb.ts';
import type { FoundConfig } from '../config/client-config.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { dockerFailure } from './docker-failure.ts';
import { endStarted, helperOf, knownDockerConnections } from './helpers.ts';
import { launchHelper, type SandboxWishes } from './launch-helper.ts';
import { dockerNames } from './names.ts';

interface Asked {
  readonly request: Pick<MessageInitShape<typeof ConnectRequestSchema>, 'name'>;
  readonly kube: KubeFlags;
  readonly access: Pick<ClusterAccess, 'context' | 'namespace'>;
  readonly settings: FoundConfig;
  readonly sandbox: SandboxWishes | undefined;
  readonly avoid: readonly string[];
}

/** The daemon that there is for this cluster, namespace and name, or a new one. */
export async function dockerDaemon(
  context: CliContext,
  asked: Asked,
): Promise<{ readonly connection: DescribeResponse; readonly started: boolean }> {
  const { request, kube, access, settings, avoid } = asked;
  const sandbox = asked.sandbox ?? { exposedPorts: [], hostname: '' };
  const running = await knownDockerConnections(context);
  const names = dockerNames({ ...access, name: request.name ?? '' }, (daemon) =>
    running.some(({ daemonContainer }) => daemonContainer === daemon),
  );
  const known = running.find(({ connection }) => connection === names.connection);
  if (known !== undefined) {
    refuseOtherSandbox(known, sandbox);
    return { connection: known, started: false };
  }
  const { signal } = context;
  const level = settings.config.logLevels.userDaemon;
  try {
    const docker = await openDockerCommand({ env: context.env, platform: process.platform });
    const image = await imageFor(context, docker, settings);
    await launchHelper(context, { names, sandbox, avoid, image, kube, level });
  } catch (error) {
    throw dockerFailure(error);
  }
  try {
    return { connection: await helperOf(context, names).describe({}, { signal }), started: true };
  } catch (error) {
    await endStarted(context, names);
    throw error;
  }
}

/** What the engine's kernel lacks, where the root daemon is what failed; undefined where it lacks nothing. */
export async function kernelTrouble(
  { env, signal }: Pick<CliContext, 'env' | 'signal'>,
  { image }: Pick<DescribeResponse, 'image'>,
  code: string | undefined,
): Promise<unknown> {
  if (code !== 'RootDaemonFailed' && code !== 'RootDaemonUnavailable') return undefined;
  try {
    const docker = await openDockerCommand({ env, platform: process.platform });
    await testEngineKernel({ docker }, image, signal);
    return undefined;
  } catch (error) {
    return error instanceof DockerError ? dockerFailure(error) : undefined;
  }
}

/** A container's ports and name are what they were made. */
function refuseOtherSandbox(known: DescribeResponse, wanted: SandboxWishes): void {
  const missing = wanted.exposedPorts.filter((port) => !known.exposedPorts.includes(port));
  const differs = [
    ...missing.map((port) => `without --expose ${port}`),
    ...(wanted.hostname === '' || wanted.hostname === known.hostname
      ? []
      : [`without --hostname ${wanted.hostname}`]),
  ];
  if (differs.length === 0) return;
  throw new CliError('Failed', `connection ${known.connection} was made ${differs.join(' and ')}`, {
    hint: 'end it, and connect anew: telepresence quit',
  });
}

async function imageFor(
  context: CliContext,
  docker: DockerCommand,
  { config }: FoundConfig,
): Promise<string> {
  const { env, signal, places, programs } = context;
  const facts = await readEngine({ docker }, signal);
  if (!facts.isOnThisMachine) {
    throw new DockerError(
      'EngineUnfit',
      `Docker runs on another machine (${facts.endpoint ?? ''})`,
      {
        hint: 'choose an engine of this machine: docker context use default',
      },
    );
  }
  const registry = env['TELEPRESENCE_REGISTRY'] || config.images.registry;
  const progress = (line: string): void => {
    if (context.interactive) context.warn(line);
  };
  const cacheDirectory = join(places.cacheDir, 'node');
  const root = programs.packageRoot;
  const { platform } = process;
  const deps = { docker, facts, root, cacheDirectory, env, platform, progress };
  const laptop = laptopId({
    hostname: hostname(),
    uid: context.uid,
    runtimeDir: places.runtimeDir,
  });
  return await prepareImage(deps, { registry, laptop }, signal);
}
