import * as v from 'valibot';
import { durationMs } from '#base/duration.ts';
import { logLevels } from '#base/log.ts';
import { workloadKinds } from '#protocol/resources.ts';
import { InstallError } from './errors.ts';
import { managerName, type InstallContext } from './manifest.ts';
import { podCidrStrategies } from './values-schema.ts';
import { claimedNamespaces, type Values } from './values.ts';
import { webhookConfigurationName } from './webhook-configuration.ts';

/** The environment variable of the manager that holds ManagerConfig as JSON. */
export const managerConfigVariable = 'TELEPRESENCE_MANAGER_CONFIG';

/** The environment variable that holds the name of its pod. */
export const managerPodVariable = 'TELEPRESENCE_POD';

/** Ports that the manager's pod listens on, beside the API's. */
export const agentsPort = 8081;
export const agentsPortName = 'agents';
export const webhookListenPort = 8443;

/** The headless Service by which agents find every manager. */
export const agentsService = `${managerName}-agents`;

const strings = v.array(v.string());
const quantities = v.record(v.string(), v.union([v.string(), v.number()]));

/** What the manager is told about itself. */
export const managerConfig = v.object({
  version: v.string(),
  namespace: v.string(),
  release: v.string(),
  logLevel: v.picklist(logLevels),
  ports: v.object({ api: v.number(), agents: v.number(), webhook: v.number() }),
  /** The only namespaces that it may see; null: all. */
  namespaces: v.nullable(strings),
  injector: v.object({ enabled: v.boolean(), configuration: v.string(), service: v.string() }),
  agent: v.object({
    image: v.string(),
    pullPolicy: v.optional(v.string()),
    logLevel: v.picklist(logLevels),
    resources: v.object({ requests: quantities, limits: quantities }),
    initResources: v.object({ requests: quantities, limits: quantities }),
    securityContext: v.record(v.string(), v.unknown()),
    /** Environment variables that agents tell nobody. */
    excludedEnvironment: strings,
  }),
  /** What may be intercepted. */
  interceptable: v.object({ kinds: v.array(v.picklist(workloadKinds)), onlyEnabled: v.boolean() }),
  podCIDRs: strings,
  podCIDRStrategy: v.picklist(podCidrStrategies),
  connectionTtlMs: v.number(),
  interceptGraceMs: v.optional(v.number(), 60_000),
  outbound: v.picklist(['cluster', 'namespaces']),
  routing: v.object({
    alsoProxySubnets: strings,
    neverProxySubnets: strings,
    allowConflictingSubnets: strings,
    autoResolveConflicts: v.optional(v.boolean(), true),
    virtualSubnet: v.optional(v.string(), ''),
  }),
  dns: v.object({
    excludeSuffixes: strings,
    includeSuffixes: strings,
    excludes: v.optional(strings, []),
    mappings: v.optional(v.array(v.object({ name: v.string(), aliasFor: v.string() })), []),
    lookupTimeoutMs: v.optional(v.number(), 0),
  }),
});
export type ManagerConfig = v.InferOutput<typeof managerConfig>;

/** The configuration in the manager's environment; an InstallError says what is wrong with it. */
export function parseManagerConfig(text: string | undefined): ManagerConfig {
  const wrong = (what: string, cause?: unknown): InstallError =>
    new InstallError(
      'BadConfig',
      `${managerConfigVariable} ${what}: install the traffic-manager anew, or upgrade it, by the same version`,
      { cause },
    );
  if (text === undefined) throw wrong('is not set');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw wrong('is not JSON', cause);
  }
  const parsed = v.safeParse(managerConfig, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  throw wrong(
    `is not what this version reads (${path === null ? '' : `${path}: `}${issue.message})`,
  );
}

const enabledBy = {
  Deployment: 'deployments',
  ReplicaSet: 'replicaSets',
  StatefulSet: 'statefulSets',
  Rollout: 'argoRollouts',
} as const;

/** The manager's configuration by these values. */
export function managerConfigFor(values: Values, context: InstallContext): ManagerConfig {
  const claimed = claimedNamespaces(values);
  const { pullPolicy } = { ...values.image, ...values.agent.image };
  return {
    version: context.version,
    namespace: context.namespace,
    release: context.release,
    logLevel: values.logLevel,
    ports: { api: values.apiPort, agents: agentsPort, webhook: webhookListenPort },
    namespaces: claimed === undefined ? null : [...claimed],
    injector: {
      enabled: values.agentInjector.enabled,
      configuration: webhookConfigurationName(context),
      service: values.agentInjector.name,
    },
    agent: {
      image: imageName({ ...values.image, ...values.agent.image }, context),
      ...(pullPolicy === undefined ? {} : { pullPolicy }),
      logLevel: values.agent.logLevel ?? values.logLevel,
      resources: values.agent.resources,
      initResources: values.agent.initResources,
      securityContext: values.agent.securityContext,
      excludedEnvironment: values.intercept.environment.excluded,
    },
    interceptable: {
      kinds: workloadKinds.filter((kind) => values.workloads[enabledBy[kind]].enabled),
      onlyEnabled: values.agentInjector.injectPolicy === 'WhenEnabled',
    },
    podCIDRs: values.podCIDRs,
    podCIDRStrategy: values.podCIDRStrategy,
    connectionTtlMs: durationMs(values.client.connectionTTL) ?? 0,
    interceptGraceMs: durationMs(values.intercept.grace) ?? 0,
    outbound: values.client.outbound,
    routing: values.client.routing,
    dns: dnsOf(values.client.dns),
  };
}

/** What a message to laptops has room for. */
const longestTimeoutMs = 2 ** 31 - 1;

function dnsOf({ lookupTimeout, ...rest }: Values['client']['dns']): ManagerConfig['dns'] {
  return { ...rest, lookupTimeoutMs: Math.min(durationMs(lookupTimeout) ?? 0, longestTimeoutMs) };
}

/** `registry/name:tag` of an image by the values. */
export function imageName(
  image: {
    readonly registry?: string | undefined;
    readonly name?: string | undefined;
    readonly tag?: string | undefined;
  },
  context: InstallContext,
): string {
  const registry = image.registry ?? 'ghcr.io/telepresenceio';
  const tag = image.tag === undefined || image.tag === '' ? context.version : image.tag;
  return `${registry === '' ? '' : `${registry}/`}${image.name ?? 'tel2'}:${tag}`;
}
