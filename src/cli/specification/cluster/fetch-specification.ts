import * as v from 'valibot';
import { version } from '#base/version.ts';
import { suggest } from '#base/suggest.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { objectMetaSchema } from '#kube/objects.ts';
import { createResourceFinder } from '#kube/resource-finder.ts';
import type { Resource } from '#kube/resource.ts';
import {
  specificationGroup,
  specificationKind,
  specificationVersions,
} from '#spec/schema/manifest.ts';
import type { CliContext } from '../../context.ts';
import { clusterAccess } from '../../daemon/cluster-access.ts';
import { call, findDaemon } from '../../daemon/session.ts';
import { CliError } from '../../errors.ts';
import { clusterError } from '../../helm/cluster-client.ts';

/** A specification that somebody has put into a cluster. */
export interface FetchedSpecification {
  readonly name: string;
  readonly namespace: string;
  /** Of the kubeconfig. */
  readonly context: string;
  /** The object as it came. */
  readonly object: unknown;
}

const specificationObject = v.looseObject({ metadata: objectMetaSchema });

/** Gets a specification from the namespace of the connection, or of the one that there would be. */
export async function fetchSpecification(
  context: CliContext,
  name: string,
): Promise<FetchedSpecification> {
  try {
    const access = await clusterAccess(context, await meantFlags(context));
    const { clock } = context;
    await using client = createKubeClient({ access, clock, userAgent: `telepresence/v${version}` });
    const where = { namespace: access.namespace, context: access.context };
    return await get(client, { ...where, name, signal: context.signal });
  } catch (error) {
    throw noFileEither(name, clusterError(error));
  }
}

/** Whoever meant a file is told first that there is none. */
export function noFileEither(name: string, thrown: unknown): unknown {
  if (!(thrown instanceof CliError) || thrown.code === 'Interrupted') return thrown;
  const { code, message, hint } = thrown;
  if (message.startsWith(`${name}: `)) return thrown;
  const said = `${name}: there is no such file, and the cluster could not be asked for a specification of that name: ${message}`;
  if (hint === undefined) return new CliError(code, said, { cause: thrown });
  // That flag is of commands that connect.
  const followed = hint
    .replaceAll('--kubeconfig or KUBECONFIG', 'KUBECONFIG')
    .replaceAll('--context or ', '');
  return new CliError(code, said, { cause: thrown, hint: followed });
}

/** Where the connection leads, if there is one. */
async function meantFlags(
  context: CliContext,
): Promise<{ readonly context?: string; readonly namespace?: string }> {
  const found = await findDaemon(context);
  if (found === undefined) return {};
  const { signal } = context;
  const { connection } = await call(async () => await found.daemon.status({}, { signal }));
  return connection === undefined
    ? {}
    : { context: connection.context, namespace: connection.namespace };
}

/** The same, by a client that is there. */
export async function get(
  client: KubeClient,
  of: Omit<FetchedSpecification, 'object'> & { readonly signal: AbortSignal },
): Promise<FetchedSpecification> {
  const { name, namespace, context, signal } = of;
  const resource = await findKind(client, signal);
  if (resource === undefined) {
    throw new CliError(
      'Usage',
      `${name}: there is no such file, and the cluster of the context ${context} does not know Intercept Specifications`,
      {
        hint: 'name a file, or have an administrator install their kind: telepresence helm install --crds',
      },
    );
  }
  const schema = specificationObject;
  const object = await client.find({ resource, namespace, name, schema, signal });
  if (object !== undefined) return { name, namespace, context, object };
  const { items } = await client.list({ resource, namespace, schema, signal });
  const names = items.map(({ metadata }) => metadata.name).toSorted();
  const [near] = suggest(name, names);
  const all = names.length === 0 ? 'it has none' : `it has: ${names.slice(0, 20).join(', ')}`;
  throw new CliError(
    'Usage',
    `${name}: there is no such file, and no Intercept Specification of that name in the namespace ${namespace} of the context ${context}`,
    { hint: near === undefined ? all : `did you mean ${near}?` },
  );
}

/** The kind in the newest version that the cluster serves. */
async function findKind(client: KubeClient, signal: AbortSignal): Promise<Resource | undefined> {
  const finder = createResourceFinder(client);
  for (const one of specificationVersions.toReversed()) {
    const found = await finder.find(`${specificationGroup}/${one}`, specificationKind, signal);
    if (found !== undefined) return found;
  }
  return undefined;
}
