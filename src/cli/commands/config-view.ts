import { routedSubnets } from '#protocol/client-settings.ts';
import type { RootStatus } from '#protocol/gen/telepresence_pb.ts';
import { readClientConfig } from '../config/client-config.ts';
import type { ClientConfig } from '../config/config-schema.ts';
import type { CliContext } from '../context.ts';
import { call, findUserDaemon } from '../daemon/session.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence config view` */
export const runConfigView: RunCommand = async (context, line) => {
  const { config, notes } = await readClientConfig(context.places.config);
  for (const { sentence } of notes) context.warn(`telepresence: warning: ${sentence}`);
  const more = line.on('client-only') ? {} : await fromConnection(context);
  const object = { ...asTyped(config), ...more };
  const { stringify } = await import('yaml');
  context.show({ text: stringify(object).trimEnd().split('\n'), object, bare: true });
  return 0;
};

/** The file's content, with the defaults and with durations as they are written. */
function asTyped({ cluster, dns, timeouts, routing, ...rest }: ClientConfig): object {
  const written = (ms: number): string => `${String(ms / 1000)}s`;
  const { lookupTimeout, ...names } = dns;
  const { alsoProxy, neverProxy, allowConflictingSubnets } = routedSubnets(routing);
  const { virtualIPSubnet, ...places } = cluster;
  const { autoResolveConflicts, virtualSubnet = virtualIPSubnet } = routing;
  return {
    ...rest,
    routing: {
      alsoProxySubnets: alsoProxy,
      neverProxySubnets: neverProxy,
      allowConflictingSubnets,
      ...(virtualSubnet === undefined ? {} : { virtualSubnet }),
      ...(autoResolveConflicts === undefined ? {} : { autoResolveConflicts }),
    },
    cluster: {
      ...places,
      defaultManagerNamespace: cluster.defaultManagerNamespace || 'ambassador',
    },
    dns: {
      ...names,
      ...(lookupTimeout === undefined ? {} : { lookupTimeout: written(lookupTimeout) }),
    },
    timeouts: Object.fromEntries(
      Object.entries(timeouts).map(([name, ms = 0]) => [name, written(ms)]),
    ),
  };
}

/** Where addresses are virtual; nothing where none is. */
function inForce({ virtualSubnets }: RootStatus): { readonly virtualSubnet?: string } {
  const [first] = virtualSubnets;
  return first === undefined ? {} : { virtualSubnet: first.knownAs };
}

/** What is in force in the connection that there is, the traffic-manager's part of it included. */
async function fromConnection(context: CliContext): Promise<object> {
  const daemon = await findUserDaemon(context);
  if (daemon === undefined) return {};
  const { signal } = context;
  const { connection, root, mappedNamespaces } = await call(
    async () => await daemon.status({}, { signal }),
  );
  if (connection === undefined || root === undefined) return {};
  const { dns } = root;
  return {
    cluster: { defaultManagerNamespace: connection.managerNamespace, mappedNamespaces },
    routing: {
      subnets: root.subnets,
      alsoProxySubnets: root.alsoProxy,
      neverProxySubnets: root.neverProxy,
      allowConflictingSubnets: root.allowConflictingSubnets,
      ...inForce(root),
    },
    ...(dns === undefined
      ? {}
      : {
          dns: {
            remoteIP: dns.remoteAddress,
            includeSuffixes: dns.includeSuffixes,
            excludeSuffixes: dns.excludeSuffixes,
            excludes: dns.excludes,
            mappings: dns.mappings.map(({ name, aliasFor }) => ({ name, aliasFor })),
            lookupTimeout: `${String(dns.timeoutMs / 1000)}s`,
          },
        }),
  };
}
