import {
  agentArgument,
  agentConfigVariable,
  agentGroup,
  agentHostIpVariable,
  agentHostIpsVariable,
  agentInitArgument,
  agentPodIpVariable,
  agentPodIpsVariable,
  agentRedirectPort,
  agentTokenPath,
  type AgentConfig,
} from '#protocol/agent-config.ts';
import { agentAudience, agentContainer, agentInitContainer } from '#protocol/resources.ts';
import type { LogLevel } from '#base/log.ts';
import { copyEnvironment, escapeReferences } from './env-copy.ts';
import type { PodContainer, RequestedPod } from './pod-shape.ts';
import { volumesFor } from './volume-mounts.ts';
import type { RenamedPort } from './rename-ports.ts';

/** Requests or limits by resource. */
export type Quantities = Readonly<Record<string, string | number>>;

interface AgentResources {
  readonly requests: Quantities;
  readonly limits: Quantities;
}

/** All that the injection needs to know beside the pod. */
export interface InjectorConfig {
  readonly image: string;
  readonly pullPolicy: string | undefined;
  readonly resources: AgentResources;
  /** Where empty, as `resources`. */
  readonly initResources: AgentResources;
  /** Laid over the agent's own. */
  readonly securityContext: Readonly<Record<string, unknown>>;
  /** Environment variables that agents tell nobody. */
  readonly excludedEnvironment: readonly string[];
  readonly logLevel: LogLevel;
  readonly manager: { readonly host: string; readonly port: number };
  /** PEM certificates that the agent trusts. */
  readonly ca: readonly string[];
}

/** What is different in the pod beside the agent. */
interface PodChanges {
  readonly take: AgentConfig['take'];
  readonly renamed: readonly RenamedPort[];
  /** Containers that have stepped aside. */
  readonly replaced: readonly string[];
}

/** The volume with the agent's token. */
export const tokenVolume = 'telepresence-agent-token';
export const lockedDown = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** The token by which the agent proves which pod it is. */
export function agentTokenVolume(): { readonly name: string } & Record<string, unknown> {
  const path = agentTokenPath.slice(agentTokenPath.lastIndexOf('/') + 1);
  return {
    name: tokenVolume,
    projected: {
      sources: [
        { serviceAccountToken: { audience: agentAudience, expirationSeconds: 3600, path } },
      ],
    },
  };
}

/** The native sidecar that takes the pod's traffic. */
export function agentSidecar(
  pod: RequestedPod,
  config: InjectorConfig,
  changes: PodChanges,
): PodContainer {
  const { containers } = pod.spec;
  const { renamed } = changes;
  const copies = containers.map((one, index) => copyEnvironment(one, envPrefix(index)));
  const envFrom = copies.flatMap((copy) => copy.envFrom);
  const volumes = containers.map((one, index) => volumesFor(pod, one, envPrefix(index)));
  return {
    name: agentContainer,
    image: config.image,
    ...(config.pullPolicy === undefined ? {} : { imagePullPolicy: config.pullPolicy }),
    args: [agentArgument],
    restartPolicy: 'Always',
    // The agent's own come last, so that no app's reference can mean one of them.
    env: [
      ...copies.flatMap((copy) => copy.env),
      { name: agentConfigVariable, value: configValue(agentConfigFor(pod, config, changes)) },
      ...addressVariables(),
      ...smallMemory,
    ],
    ...(envFrom.length === 0 ? {} : { envFrom }),
    // Seen ready at once, but never taken for unready because it is short of time: its pod would lose
    // its traffic while the app is well.
    readinessProbe: {
      tcpSocket: agentListens,
      periodSeconds: 1,
      timeoutSeconds: 5,
      failureThreshold: 30,
    },
    ...(renamed.length === 0 ? {} : standIn(renamed)),
    volumeMounts: [
      {
        name: tokenVolume,
        mountPath: agentTokenPath.slice(0, agentTokenPath.lastIndexOf('/')),
        readOnly: true,
      },
      ...volumes.flatMap(({ mounts }) => mounts),
    ],
    resources: resourcesFor(pod, config.resources),
    securityContext: {
      ...lockedDown,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      runAsGroup: agentGroup,
      ...agentUser(pod),
      ...config.securityContext,
    },
  };
}

/** The init container that lays the kernel's rules once; the only one that has a capability. */
export function agentInit(pod: RequestedPod, config: InjectorConfig): PodContainer {
  return {
    name: agentInitContainer,
    image: config.image,
    ...(config.pullPolicy === undefined ? {} : { imagePullPolicy: config.pullPolicy }),
    args: [agentInitArgument],
    env: addressVariables(),
    resources: resourcesFor(pod, {
      requests: { ...config.resources.requests, ...config.initResources.requests },
      limits: { ...config.resources.limits, ...config.initResources.limits },
    }),
    securityContext: {
      ...lockedDown,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
      runAsNonRoot: false,
      runAsUser: 0,
      runAsGroup: 0,
    },
  };
}

/** The value of `agentConfigVariable`. */
export function configValue(config: AgentConfig): string {
  return escapeReferences(JSON.stringify(config));
}

function agentConfigFor(
  pod: RequestedPod,
  config: InjectorConfig,
  { take, renamed, replaced }: PodChanges,
): AgentConfig {
  return {
    version: 1,
    manager: { ...config.manager },
    ca: [...config.ca],
    take,
    renamed: renamed.map(({ name, listenPort, appPort, protocol }) => ({
      name,
      listenPort,
      appPort,
      ...(protocol === 'TCP' ? {} : { protocol }),
    })),
    containers: pod.spec.containers.map((one, index) => ({
      name: one.name,
      envPrefix: envPrefix(index),
      ...volumesFor(pod, one, envPrefix(index)).told,
    })),
    ...(replaced.length === 0 ? {} : { replaced: [...replaced], takesReplaced: true }),
    logLevel: config.logLevel,
    excludedEnvironment: [...config.excludedEnvironment],
  };
}

/**
 * The user to whom files in the volumes are readable: of the first container that has volumes, where
 * it names one; else the pod's, which need not be said; else the image's. Never root.
 */
function agentUser({ spec }: RequestedPod): { readonly runAsUser?: number } {
  const own = spec.containers
    .filter((one) => (one.volumeMounts ?? []).length > 0)
    .map((one) => one.securityContext?.runAsUser)
    .find((user) => user !== undefined && user !== 0);
  if (own !== undefined) return { runAsUser: own };
  return spec.securityContext?.runAsUser === 0 ? { runAsUser: agentGroup } : {};
}

function envPrefix(index: number): string {
  return `_TEL_APP_${String(index)}_`;
}

function addressVariables(): { name: string; valueFrom: Record<string, unknown> }[] {
  return [
    { name: agentPodIpVariable, valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: agentHostIpVariable, valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    { name: agentPodIpsVariable, valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } },
    { name: agentHostIpsVariable, valueFrom: { fieldRef: { fieldPath: 'status.hostIPs' } } },
  ];
}

/**
 * An agent is in every pod: it gives memory back rather than keep it. MALLOC_MMAP_THRESHOLD_ is not
 * here, because it doubles the CPU time of bulk traffic.
 */
const smallMemory = [
  { name: 'NODE_OPTIONS', value: '--max-semi-space-size=1 --max-old-space-size=64' },
  { name: 'MALLOC_ARENA_MAX', value: '1' },
  { name: 'MALLOC_TRIM_THRESHOLD_', value: '131072' },
] as const;

// Open once the agent has taken what it is to take: no pod gets requests before. And not a renamed port:
// a laptop that has it would get a connection with each probe.
const agentListens = { port: agentRedirectPort } as const;

// Only where the agent stands in for a port does the app wait for it to start.
function standIn(renamed: readonly RenamedPort[]): Pick<PodContainer, 'ports' | 'startupProbe'> {
  return {
    ports: renamed.map(({ name, listenPort, protocol, host }) => ({
      name,
      containerPort: listenPort,
      protocol,
      ...host,
    })),
    startupProbe: { tcpSocket: agentListens, periodSeconds: 1, failureThreshold: 60 },
  };
}

// A pod of the class Guaranteed stays one only when requests and limits are equal everywhere.
function resourcesFor(
  pod: RequestedPod,
  { requests, limits }: AgentResources,
): { requests: Record<string, string | number>; limits: Record<string, string | number> } {
  const guaranteed = pod.spec.containers.every(({ resources }) =>
    ['cpu', 'memory'].every((kind) => {
      const limit = resources?.limits?.[kind];
      return limit !== undefined && (resources?.requests?.[kind] ?? limit) === limit;
    }),
  );
  return {
    requests: guaranteed ? { ...requests, ...limits } : { ...requests },
    limits: { ...limits },
  };
}
