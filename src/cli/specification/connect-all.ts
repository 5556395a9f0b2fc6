import { create } from '@bufbuild/protobuf';
import type { ConnectionSpec } from '#spec/connection-spec.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import {
  KubeFlagsSchema,
  type DescribeResponse,
  type KubeFlags,
} from '#protocol/gen/telepresence_pb.ts';
import type { FoundConfig } from '../config/client-config.ts';
import type { CliContext } from '../context.ts';
import { clusterAccess } from '../daemon/cluster-access.ts';
import { openConnection } from '../daemon/open-connection.ts';
import { call, findHostDaemon } from '../daemon/session.ts';
import { knownDockerConnections } from '../docker/helpers.ts';
import { dockerNames } from '../docker/names.ts';
import { CliError } from '../errors.ts';
import type { BegunRun } from './begin-specification-run.ts';
import type { RunConnection } from './handlers/handler-kind.ts';
import type { RunPlan } from './plan.ts';
import { endConnection } from './undo/end-connection.ts';

/** Connects what the plan wants connected; what is connected already is kept, and outlives the run. */
export async function connectAll(
  context: CliContext,
  plan: Pick<RunPlan, 'connections'>,
  of: {
    readonly inDocker: boolean;
    readonly settings: FoundConfig;
    readonly run: Pick<BegunRun, 'journal'>;
  },
  undo: AsyncDisposableStack,
): Promise<readonly RunConnection[]> {
  const made: RunConnection[] = [];
  for (const spec of plan.connections) made.push(await connectOne(context, spec, of, undo));
  return made;
}

async function connectOne(
  context: CliContext,
  spec: ConnectionSpec,
  {
    inDocker,
    settings,
    run,
  }: {
    readonly inDocker: boolean;
    readonly settings: FoundConfig;
    readonly run: Pick<BegunRun, 'journal'>;
  },
  undo: AsyncDisposableStack,
): Promise<RunConnection> {
  const kube = kubeFlags(spec);
  const there = inDocker
    ? await meantInDocker(context, spec, kube)
    : { name: spec.name ?? '', isThere: await isHostConnected(context), connection: undefined };
  const { connection } = there;
  const step = { kind: 'disconnect', connection } as const;
  let crossOut = there.isThere ? undefined : run.journal.write({ ...step, mayCome: true });
  undo.defer(async () => {
    if (crossOut === undefined) return;
    await endConnection(context, step);
    crossOut();
  });
  const request = {
    kube,
    name: there.name,
    managerNamespace: spec.managerNamespace ?? context.env['TELEPRESENCE_MANAGER_NAMESPACE'] ?? '',
    mappedNamespaces: [...spec.mappedNamespaces],
    alsoProxy: [...spec.alsoProxy],
    neverProxy: [...spec.neverProxy],
    allowConflictingSubnets: [...spec.allowConflictingSubnets],
  };
  const sandbox = { exposedPorts: [...spec.expose], hostname: spec.hostname ?? '' };
  const { daemon, info } = await openConnection(context, request, {
    found: settings,
    inDocker,
    sandbox,
  });
  if (crossOut !== undefined) {
    const crossOutComing = crossOut;
    crossOut = run.journal.write({ ...step, mayCome: false });
    crossOutComing();
  }
  const found = inDocker ? await describeOne(context, connection ?? '') : undefined;
  const { context: kubeContext, namespace } = info;
  return { daemon, inDocker: found, name: spec.name ?? '', context: kubeContext, namespace };
}

/** A connection in a container that the specification means, or what the new one will be called. */
async function meantInDocker(
  context: CliContext,
  spec: ConnectionSpec,
  kube: KubeFlags,
): Promise<{ readonly name: string; readonly connection: string; readonly isThere: boolean }> {
  const known = await knownDockerConnections(context);
  const access = await clusterAccess(context, kubeFlagsOf(kube, context.cwd));
  const names = dockerNames({ ...access, name: spec.name ?? '' }, () => false);
  // Without a name it is any that leads there, whatever that is called.
  const isMeant = (one: DescribeResponse): boolean =>
    one.connection === names.connection ||
    (spec.name === undefined &&
      one.context === access.context &&
      one.namespace === access.namespace);
  const found = known.find(isMeant);
  if (found === undefined) {
    return { name: spec.name ?? '', connection: names.connection, isThere: false };
  }
  const isUnnamed = found.connection === names.connection && spec.name === undefined;
  return {
    name: isUnnamed ? '' : found.connection,
    connection: found.connection,
    isThere: true,
  };
}

/** What a connection and its container would be called, and where it would be. */
export async function intendedPlace(
  context: CliContext,
  spec: ConnectionSpec,
): Promise<{
  readonly connection: string;
  readonly sandbox: string;
  readonly namespace: string;
}> {
  const access = await clusterAccess(context, kubeFlagsOf(kubeFlags(spec), context.cwd));
  const { connection, sandbox } = dockerNames({ ...access, name: spec.name ?? '' }, () => false);
  return { connection, sandbox, namespace: access.namespace };
}

async function isHostConnected(context: CliContext): Promise<boolean> {
  const { signal } = context;
  const daemon = await findHostDaemon(context);
  if (daemon === undefined) return false;
  const { connection, status } = await call(async () => await daemon.status({}, { signal }));
  return connection !== undefined && status !== 'Not connected';
}

async function describeOne(context: CliContext, connection: string): Promise<DescribeResponse> {
  const found = (await knownDockerConnections(context)).find(
    (one) => one.connection === connection,
  );
  if (found !== undefined) return found;
  throw new CliError('Daemon', `the connection ${connection} has ended already`);
}

/** kubectl's flags that say the same. */
function kubeFlags(spec: ConnectionSpec): KubeFlags {
  const { context, namespace, cluster, user, as, asUID, asGroups } = spec;
  const others = { cluster, user, as, 'as-uid': asUID };
  return create(KubeFlagsSchema, {
    context: context ?? '',
    namespace: namespace ?? '',
    others: Object.fromEntries(
      Object.entries(others).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    ),
    lists: asGroups.length === 0 ? {} : { 'as-group': { values: [...asGroups] } },
  });
}
