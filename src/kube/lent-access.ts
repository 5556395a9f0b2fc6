import type { Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { clusterExtensionName } from '#protocol/client-settings.ts';
import { LentAccessSchema, type LentAccess } from '#protocol/gen/telepresence_pb.ts';
import type { ClusterAccess, Credentials } from './cluster-access.ts';
import { KubeError } from './errors.ts';
import { createIdentitySource } from './identity.ts';
import { parseJson } from './status.ts';

/** What a process elsewhere has to know of a cluster: all of it but what proves who the user is. */
export function lentAccess(access: ClusterAccess): LentAccess {
  const { trust, lendable } = access;
  if (lendable === undefined) {
    throw new KubeError('BadConfig', 'there is no kubeconfig here: this is a pod', {
      hint: 'connect without --docker',
    });
  }
  const extension = access.extension?.(clusterExtensionName);
  return create(LentAccessSchema, {
    server: access.server.href,
    context: access.context,
    cluster: access.cluster,
    namespace: access.namespace,
    ca: trust.ca ?? '',
    serverName: trust.serverName ?? '',
    skipVerify: trust.skipVerify,
    requestTimeoutMs: BigInt(access.requestTimeoutMs ?? 0),
    who: access.who ?? '',
    user: lendable.user,
    impersonation: Object.fromEntries(
      Object.entries(lendable.impersonation).map(([name, value]) => [
        name,
        { values: typeof value === 'string' ? [value] : value },
      ]),
    ),
    extensions:
      extension === undefined ? {} : { [clusterExtensionName]: JSON.stringify(extension) },
  });
}

/** Whoever reads the kubeconfig, and connects to the cluster, in our place. */
export interface Lender {
  readCredentials(): Promise<Credentials>;
  dial(signal: AbortSignal): Promise<Socket>;
}

/** The cluster of a kubeconfig that is elsewhere. */
export function borrowAccess(
  deps: { readonly clock: Pick<Clock, 'now'>; readonly lender: Lender },
  lent: LentAccess,
): ClusterAccess {
  const { lender } = deps;
  const server = URL.parse(lent.server);
  if (server === null) throw new KubeError('BadConfig', `${lent.server} is not a URL`);
  const trust = {
    ca: lent.ca || undefined,
    serverName: lent.serverName || undefined,
    skipVerify: lent.skipVerify,
  };
  return {
    server,
    context: lent.context,
    cluster: lent.cluster,
    namespace: lent.namespace,
    proxy: undefined,
    trust,
    requestTimeoutMs: Number(lent.requestTimeoutMs) || undefined,
    who: lent.who,
    extension: (name) => parseJson(lent.extensions[name] ?? ''),
    dial: async (signal) => await lender.dial(signal),
    ...createIdentitySource(deps, {
      trust,
      user: lent.user,
      impersonation: Object.fromEntries(
        Object.entries(lent.impersonation).map(([name, { values }]) => [name, values]),
      ),
      read: async () => await lender.readCredentials(),
    }),
  };
}
