import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as v from 'valibot';
import { durationMs } from '#base/duration.ts';
import {
  DnsSettingsSchema,
  TimeoutsSchema,
  type DnsSettings,
  type Timeouts,
} from './gen/telepresence_pb.ts';
import { parseIp, parseSubnet } from './ip-address.ts';

const texts = v.array(v.string());
const subnets = v.array(
  v.pipe(
    v.string(),
    v.check((text) => parseSubnet(text) !== undefined || parseIp(text) !== undefined, 'a subnet'),
  ),
);
/** As Go writes it, or a number of seconds. */
const msOf = (typed: string | number): number | undefined =>
  typeof typed === 'string' ? durationMs(typed) : typed < 0 ? undefined : typed * 1000;
const duration = v.pipe(
  v.union([v.string(), v.number()]),
  v.check((typed) => msOf(typed) !== undefined, 'a duration such as 20s'),
  v.transform((typed) => msOf(typed) ?? 0),
);
const mappings = v.array(v.object({ name: v.string(), aliasFor: v.string() }));

/** `dns` of config.yml. */
export const dnsEntries = {
  excludeSuffixes: v.optional(texts),
  includeSuffixes: v.optional(texts),
  excludes: v.optional(texts),
  mappings: v.optional(mappings),
  lookupTimeout: v.optional(duration),
};

/** `timeouts` of config.yml. */
export const timeoutEntries = {
  clusterConnect: v.optional(duration),
  trafficManagerConnect: v.optional(duration),
  intercept: v.optional(duration),
  helm: v.optional(duration),
};

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
    }),
    {},
  ),
  routing: v.optional(
    v.object({
      alsoProxySubnets: v.optional(subnets, []),
      neverProxySubnets: v.optional(subnets, []),
      allowConflictingSubnets: v.optional(subnets, []),
    }),
    {},
  ),
  timeouts: v.optional(timeoutsObject, {}),
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
  readonly dns: DnsSettings;
  readonly timeouts: Timeouts;
}

/** What is said where that cannot be read, and what to do about it. */
export function brokenExtension(
  cluster: string,
  why: string,
): { readonly message: string; readonly hint: string } {
  return {
    message: `the extension ${clusterExtensionName} of cluster ${cluster} in the kubeconfig is broken: ${why}`,
    hint: 'mend it, or take it out of the kubeconfig',
  };
}

/** Reads the extension `telepresence.io`; where it cannot be read, says what of it. */
export function parseClusterSettings(
  typed: unknown,
): { readonly ok: true; readonly value: ClusterSettings } | { readonly ok: false; why: string } {
  const parsed = v.safeParse(extension, typed ?? {});
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue);
    return { ok: false, why: `${where === null ? '' : `${where}: `}${wanted(issue)} expected` };
  }
  const { output } = parsed;
  const { dns, cluster, routing } = output;
  const lookupTimeout = dns.lookupTimeout ?? dns['lookup-timeout'];
  return {
    ok: true,
    value: {
      managerNamespace: cluster.defaultManagerNamespace ?? output.manager.namespace ?? '',
      mappedNamespaces: cluster.mappedNamespaces,
      alsoProxy: [...output['also-proxy'], ...routing.alsoProxySubnets],
      neverProxy: [...output['never-proxy'], ...routing.neverProxySubnets],
      allowConflictingSubnets: [
        ...output['allow-conflicting-subnets'],
        ...routing.allowConflictingSubnets,
      ],
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

/** What should stand there. */
export function wanted(issue: v.BaseIssue<unknown>): string {
  const { expected } = issue;
  return (expected === null ? issue.message : expected).toLowerCase();
}
