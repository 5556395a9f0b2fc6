import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as v from 'valibot';
import {
  DnsSettingsSchema,
  TimeoutsSchema,
  type DnsSettings,
  type Timeouts,
} from './gen/telepresence_pb.ts';
import {
  settingNotes,
  settingPaths,
  stepsOf,
  withoutNulls,
  type SettingNote,
} from './check-settings.ts';
import { oldOtherSettings, onlyInConfigFile, otherSettings } from './other-settings.ts';
import { duration, mappings, subnet, subnets, texts, wanted } from './setting-shapes.ts';

/** `dns` of config.yml. */
export const dnsEntries = {
  excludeSuffixes: v.optional(texts),
  includeSuffixes: v.optional(texts),
  excludes: v.optional(texts),
  mappings: v.optional(mappings),
  lookupTimeout: v.optional(duration),
};

/** Where virtual addresses are, under its older name in `cluster`. */
export const virtualClusterEntries = { virtualIPSubnet: v.optional(subnet) };

/** `timeouts` of config.yml. */
export const timeoutEntries = {
  clusterConnect: v.optional(duration),
  trafficManagerConnect: v.optional(duration),
  intercept: v.optional(duration),
  helm: v.optional(duration),
};

/** `routing` of config.yml; the shorter names are older. */
export const routingEntries = {
  alsoProxySubnets: v.optional(subnets, []),
  neverProxySubnets: v.optional(subnets, []),
  allowConflictingSubnets: v.optional(subnets, []),
  alsoProxy: v.optional(subnets, []),
  neverProxy: v.optional(subnets, []),
  allowConflicting: v.optional(subnets, []),
  virtualSubnet: v.optional(subnet),
  autoResolveConflicts: v.optional(v.boolean()),
};

const routingObject = v.object(routingEntries);

/** The subnets that are said under either name. */
export function routedSubnets(routing: v.InferOutput<typeof routingObject>): {
  readonly alsoProxy: readonly string[];
  readonly neverProxy: readonly string[];
  readonly allowConflictingSubnets: readonly string[];
} {
  return {
    alsoProxy: [...routing.alsoProxySubnets, ...routing.alsoProxy],
    neverProxy: [...routing.neverProxySubnets, ...routing.neverProxy],
    allowConflictingSubnets: [...routing.allowConflictingSubnets, ...routing.allowConflicting],
  };
}

const dnsObject = v.object(dnsEntries);
type Dns = v.InferOutput<typeof dnsObject>;

const timeoutsObject = v.object(timeoutEntries);
type Waits = v.InferOutput<typeof timeoutsObject>;

/** What is said of names, as it goes over the wire. */
export function dnsSettings(dns: Dns): DnsSettings {
  const list = (values: string[] | undefined): { values: string[] } | undefined =>
    values === undefined ? undefined : { values };
  const said: MessageInitShape<typeof DnsSettingsSchema> = {
    excludeSuffixes: list(dns.excludeSuffixes),
    includeSuffixes: list(dns.includeSuffixes),
    excludes: list(dns.excludes),
    mappings:
      dns.mappings === undefined
        ? undefined
        : { values: dns.mappings.map(({ name, aliasFor }) => ({ name, aliasFor })) },
    lookupTimeoutMs: dns.lookupTimeout ?? 0,
  };
  return create(DnsSettingsSchema, said);
}

/** What is said of waiting, as it goes over the wire. */
export function timeouts(waits: Waits): Timeouts {
  return create(TimeoutsSchema, {
    clusterConnectMs: waits.clusterConnect ?? 0,
    managerConnectMs: waits.trafficManagerConnect ?? 0,
    interceptMs: waits.intercept ?? 0,
  });
}

/** One over another: where the first says nothing, the second is heard. */
export function dnsOver(first: DnsSettings | undefined, second: DnsSettings | undefined) {
  return create(DnsSettingsSchema, {
    excludeSuffixes: first?.excludeSuffixes ?? second?.excludeSuffixes,
    includeSuffixes: first?.includeSuffixes ?? second?.includeSuffixes,
    excludes: first?.excludes ?? second?.excludes,
    mappings: first?.mappings ?? second?.mappings,
    lookupTimeoutMs: first?.lookupTimeoutMs || second?.lookupTimeoutMs || 0,
  });
}

/** One over another. */
export function timeoutsOver(first: Timeouts | undefined, second: Timeouts | undefined): Timeouts {
  return create(TimeoutsSchema, {
    clusterConnectMs: first?.clusterConnectMs || second?.clusterConnectMs || 0,
    managerConnectMs: first?.managerConnectMs || second?.managerConnectMs || 0,
    interceptMs: first?.interceptMs || second?.interceptMs || 0,
  });
}

/** The extension's name in a kubeconfig's cluster. */
export const clusterExtensionName = 'telepresence.io';

// Both styles: config.yml's own names, and the older ones with dashes.
const extension = v.object({
  manager: v.optional(v.object({ namespace: v.optional(v.string()) }), {}),
  'also-proxy': v.optional(subnets, []),
  'never-proxy': v.optional(subnets, []),
  'allow-conflicting-subnets': v.optional(subnets, []),
  cluster: v.optional(
    v.object({
      defaultManagerNamespace: v.optional(v.string()),
      mappedNamespaces: v.optional(texts, []),
      ...virtualClusterEntries,
    }),
    {},
  ),
  routing: v.optional(routingObject, {}),
  timeouts: v.optional(v.omit(timeoutsObject, ['helm']), {}),
  dns: v.optional(
    v.object({
      ...dnsEntries,
      'exclude-suffixes': v.optional(texts),
      'include-suffixes': v.optional(texts),
      'lookup-timeout': v.optional(duration),
    }),
    {},
  ),
});

/** What a kubeconfig's cluster says of how to connect to it. */
export interface ClusterSettings {
  readonly managerNamespace: string;
  readonly mappedNamespaces: readonly string[];
  readonly alsoProxy: readonly string[];
  readonly neverProxy: readonly string[];
  readonly allowConflictingSubnets: readonly string[];
  /** Where virtual addresses are; empty where nothing is said. */
  readonly virtualSubnet: string;
  readonly autoResolveConflicts: boolean | undefined;
  readonly dns: DnsSettings;
  readonly timeouts: Timeouts;
}

/** A kubeconfig's cluster, and what it says to programs of a name. */
export interface ExtendedCluster {
  readonly cluster: string;
  extension?(name: string): unknown;
  /** Where a part of it stands, for people. */
  extensionPlace?(name: string, at: readonly (string | number)[]): string;
}

/** What is said where that cannot be read, and what to do about it. */
export function brokenExtension(
  access: ExtendedCluster,
  { why, at }: { readonly why: string; readonly at: readonly (string | number)[] },
): { readonly message: string; readonly hint: string } {
  const place = access.extensionPlace?.(clusterExtensionName, at) ?? 'the kubeconfig';
  return {
    message: `the extension ${clusterExtensionName} of cluster ${access.cluster} (${place}) is broken: ${why}`,
    hint: 'mend it, or take it out of the kubeconfig',
  };
}

/** Reads the extension `telepresence.io`; where it cannot be read, says what of it. */
export function parseClusterSettings(
  typed: unknown,
):
  | { readonly ok: true; readonly value: ClusterSettings }
  | { readonly ok: false; readonly why: string; readonly at: readonly (string | number)[] } {
  const parsed = v.safeParse(extension, withoutNulls(typed) ?? {});
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue);
    const why = `${where === null ? '' : `${where}: `}${wanted(issue)} expected`;
    return { ok: false, why, at: stepsOf(issue) };
  }
  const { output } = parsed;
  const { dns, cluster, routing } = output;
  const routed = routedSubnets(routing);
  const lookupTimeout = dns.lookupTimeout ?? dns['lookup-timeout'];
  return {
    ok: true,
    value: {
      managerNamespace: cluster.defaultManagerNamespace ?? output.manager.namespace ?? '',
      mappedNamespaces: cluster.mappedNamespaces,
      alsoProxy: [...output['also-proxy'], ...routed.alsoProxy],
      neverProxy: [...output['never-proxy'], ...routed.neverProxy],
      allowConflictingSubnets: [
        ...output['allow-conflicting-subnets'],
        ...routed.allowConflictingSubnets,
      ],
      virtualSubnet: routing.virtualSubnet ?? cluster.virtualIPSubnet ?? '',
      autoResolveConflicts: routing.autoResolveConflicts,
      dns: dnsSettings({
        excludeSuffixes: dns.excludeSuffixes ?? dns['exclude-suffixes'],
        includeSuffixes: dns.includeSuffixes ?? dns['include-suffixes'],
        excludes: dns.excludes,
        mappings: dns.mappings,
        lookupTimeout,
      }),
      timeouts: timeouts(output.timeouts),
    },
  };
}

/** What of the extension is misspelt, or has no meaning there. */
export function clusterSettingNotes(typed: unknown): readonly SettingNote[] {
  return settingNotes(typed, {
    heeded: settingPaths(extension),
    other: [...onlyInConfigFile, ...otherSettings, ...oldOtherSettings],
  });
}
