import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { lentAccess } from '#kube/lent-access.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import {
  KubeFlagsSchema,
  type ConnectRequestSchema,
  type KubeFlags,
} from '#protocol/gen/telepresence_pb.ts';
import type { FoundConfig } from '../config/client-config.ts';
import { tellMeaningless } from '../config/heeded-config.ts';
import type { CliContext } from '../context.ts';
import { DaemonCallError } from '../daemon/answer-error.ts';
import { clusterAccess } from '../daemon/cluster-access.ts';
import { followConnect, type OpenConnection } from '../daemon/open-connection.ts';
import { dockerDaemonClient } from '../daemon/session.ts';
import { endStarted } from './helpers.ts';
import type { SandboxWishes } from './launch-helper.ts';
import { dockerDaemon, kernelTrouble } from './docker-daemon.ts';

type Request = MessageInitShape<typeof ConnectRequestSchema>;

/** What a command asks for. */
interface Asked {
  readonly request: Request;
  readonly settings: FoundConfig;
  readonly sandbox: SandboxWishes | undefined;
}

/** Connects by a daemon in a container; says where, unless it was so before. */
export async function openDockerConnection(
  context: CliContext,
  asked: Asked,
): Promise<OpenConnection> {
  const kube = create(KubeFlagsSchema, asked.request.kube ?? {});
  const access = await clusterAccess(context, kubeFlagsOf(kube, context.cwd));
  try {
    return await open(context, asked, { kube, access, avoid: [] });
  } catch (error) {
    // Only the cluster says where its addresses are: the network is made anew, elsewhere.
    const avoid = overlapOf(error);
    if (avoid.length === 0) throw error;
    return await open(context, asked, { kube, access, avoid });
  }
}

async function open(
  context: CliContext,
  asked: Asked,
  by: {
    readonly kube: KubeFlags;
    readonly access: ClusterAccess;
    readonly avoid: readonly string[];
  },
): Promise<OpenConnection> {
  const { request, settings } = asked;
  const { connection, started } = await dockerDaemon(context, { ...asked, ...by });
  const daemon = dockerDaemonClient(connection);
  const { kube: _staysHere, ...wanted } = request;
  const events = daemon.connect(
    {
      ...wanted,
      lent: lentAccess(by.access),
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
    const lacks = started
      ? await kernelTrouble(context, connection, failureOf(error)?.code)
      : undefined;
    // What this command has started serves nobody.
    if (started) await endStarted(context, connection);
    throw lacks ?? error;
  }
}

/** The subnets to keep clear of, where it was the containers' network that was in the cluster's way. */
function overlapOf(error: unknown): readonly string[] {
  const failure = failureOf(error);
  if (failure?.code !== 'NetworkOverlaps') return [];
  return (failure.facts['avoid'] ?? '').split(',').filter(Boolean);
}

function failureOf(error: unknown): DaemonCallError['failure'] {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof DaemonCallError ? cause.failure : undefined;
}
