import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { openDockerCommand, type DockerCommand } from '#docker/command.ts';
import { readEngine } from '#docker/engine.ts';
import { DockerError } from '#docker/errors.ts';
import { prepareImage } from '#docker/image/prepare-image.ts';
import { lentAccess } from '#kube/lent-access.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import {
  KubeFlagsSchema,
  type ConnectRequestSchema,
  type DescribeResponse,
  type KubeFlags,
} from '#protocol/gen/telepresence_pb.ts';
import { tellMeaningless } from '../config/heeded-config.ts';
import type { FoundConfig } from '../config/client-config.ts';
import type { CliContext } from '../context.ts';
import { followConnect, type OpenConnection } from '../daemon/open-connection.ts';
import { dockerDaemonClient } from '../daemon/session.ts';
import { clusterError } from '../helm/cluster-client.ts';
import { helperOf, listDockerConnections } from './helpers.ts';
import { dockerFailure } from './docker-failure.ts';
import { launchHelper } from './launch-helper.ts';
import { dockerNames } from './names.ts';

type Request = MessageInitShape<typeof ConnectRequestSchema>;

/** Connects by a daemon in a container; says where, unless it was so before. */
export async function openDockerConnection(
  context: CliContext,
  request: Request,
  settings: FoundConfig,
): Promise<OpenConnection> {
  const kube = create(KubeFlagsSchema, request.kube ?? {});
  const access = await accessOf(context, kube);
  const { connection, started } = await dockerDaemon(context, { request, kube, access, settings });
  const daemon = dockerDaemonClient(connection);
  const { kube: _staysHere, ...asked } = request;
  const events = daemon.connect(
    {
      ...asked,
      lent: lentAccess(access),
      rootDaemonSocket: connection.rootDaemonSocket,
      directory: '/',
    },
    { signal: context.signal },
  );
  try {
    const info = await followConnect(context, events);
    if (!info.alreadyConnected) {
      tellMeaningless(context, settings);
      for (const warning of info.warnings) context.warn(`telepresence: warning: ${warning}`);
      context.print(`Connected to context ${info.context} (${info.server})`);
    }
    return { daemon, info, events };
  } catch (error) {
    // What this command has started serves nobody.
    if (started) await helperOf(context, connection).quit({});
    throw error;
  }
}

async function accessOf(
  context: CliContext,
  kube: KubeFlags,
): Promise<Awaited<ReturnType<typeof loadClusterAccess>>> {
  try {
    return await loadClusterAccess(context, {
      flags: kubeFlagsOf(kube, context.cwd),
      env: context.env,
      home: context.env['HOME'] ?? '/',
      workingFolder: context.cwd,
    });
  } catch (error) {
    throw clusterError(error);
  }
}

/** The daemon that there is for this cluster, namespace and name, or a new one. */
async function dockerDaemon(
  context: CliContext,
  asked: {
    readonly request: Request;
    readonly kube: KubeFlags;
    readonly access: Awaited<ReturnType<typeof loadClusterAccess>>;
    readonly settings: FoundConfig;
  },
): Promise<{ readonly connection: DescribeResponse; readonly started: boolean }> {
  const { request, kube, access, settings } = asked;
  const running = await listDockerConnections(context);
  const names = dockerNames({ ...access, name: request.name ?? '' }, (daemon) =>
    running.some(({ daemonContainer }) => daemonContainer === daemon),
  );
  const known = running.find(({ connection }) => connection === names.connection);
  if (known !== undefined) return { connection: known, started: false };
  const { signal } = context;
  const level = settings.config.logLevels.userDaemon;
  try {
    const docker = await openDockerCommand({ env: context.env, platform: process.platform });
    const image = await imageFor(context, docker, settings);
    await launchHelper(context, { names, image, kube, level });
  } catch (error) {
    throw dockerFailure(error);
  }
  const connection = await helperOf(context, names).describe({}, { signal });
  return { connection, started: true };
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
  return await prepareImage(deps, { registry }, signal);
}
