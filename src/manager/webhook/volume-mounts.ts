import { posix } from 'node:path';
import { agentVolumesPath, type AgentConfig } from '#protocol/agent-config.ts';
import { templateAnnotation } from '../state/annotations.ts';
import { renameReferences } from './env-copy.ts';
import type { PodContainer, RequestedPod, VolumeMount } from './pod-shape.ts';

/** What the agent has of one container's volumes. */
export interface ContainerVolumes {
  readonly mounts: readonly VolumeMount[];
  readonly told: Required<
    Pick<AgentConfig['containers'][number], 'mounts' | 'volumesAt' | 'volumes'>
  >;
}

/** Which volumes laptops get, and whether they may write to them. */
type Policy = 'Ignore' | 'Remote' | 'RemoteReadOnly';
/** Written by the kubelet alone, and small: what can be copied as well as mounted. */
const smallKinds = ['configMap', 'secret', 'projected', 'downwardAPI'] as const;

/** Linux's: nothing is mounted at a longer one. */
const longestPath = 4096;

/**
 * The container's volumes once more, for the agent, under a directory of the container's name.
 * Block devices are no volumes that can be mounted; what annotations leave out is left out.
 */
export function volumesFor(
  pod: RequestedPod,
  container: PodContainer,
  envPrefix: string,
): ContainerVolumes {
  const root = `${agentVolumesPath}/${container.name}`;
  const policyOf = mountPolicies(pod.metadata.annotations ?? {});
  const small = new Set(
    (pod.spec.volumes ?? [])
      .filter((volume) => smallKinds.some((kind) => volume[kind] !== undefined))
      .map(({ name }) => name),
  );
  const prepared = new Set(
    (pod.spec.initContainers ?? []).flatMap((one) =>
      (one.volumeMounts ?? []).map(({ name }) => name),
    ),
  );
  const found = new Map<string, VolumeMount>();
  for (const mount of container.volumeMounts ?? []) {
    const path = plainPath(mount.mountPath);
    const policy = policyOf(mount.name, path);
    const expression = ownExpression(mount.subPathExpr, container, envPrefix);
    if (policy === 'Ignore' || expression === undefined || path === '/') continue;
    // The agent starts before the pod's init containers: the kubelet would make a directory of what
    // one of them is to put there.
    const isPart = (mount.subPath ?? mount.subPathExpr ?? '') !== '';
    if (isPart && prepared.has(mount.name) && !small.has(mount.name)) continue;
    const { mountPropagation: _, subPathExpr: __, ...rest } = mount;
    found.set(path, {
      ...rest,
      mountPath: root + path,
      ...(policy === 'RemoteReadOnly' ? { readOnly: true } : {}),
      ...(expression === '' ? {} : { subPathExpr: expression }),
    });
  }
  return {
    mounts: [...found.values()],
    told: {
      mounts: [...found.keys()],
      volumesAt: root,
      volumes: [...found].map(([path, mount]) => ({
        path,
        readOnly: mount.readOnly === true,
        small: small.has(mount.name),
      })),
    },
  };
}

/**
 * `subPathExpr` with the container's variables as they stand in the agent's environment; undefined
 * where the agent has not got one of them, and the kubelet would not start it.
 */
function ownExpression(
  expression: string | undefined,
  container: PodContainer,
  envPrefix: string,
): string | undefined {
  if (expression === undefined || expression === '') return '';
  const env = container.env ?? [];
  const lacking = new Set(
    env.filter((one) => one.valueFrom?.fileKeyRef !== undefined).map(({ name }) => name),
  );
  const own = new Set(env.map(({ name }) => name));
  const fromSources = (container.envFrom ?? []).length > 0;
  let whole = true;
  const renamed = renameReferences(expression, (name) => {
    if (lacking.has(name)) whole = false;
    return own.has(name) || fromSources ? envPrefix + name : name;
  });
  return whole ? renamed : undefined;
}

/**
 * `inject-ignore-volume-mounts` (names of volumes) and `mount-policies` (JSON: the name of a volume,
 * or a path and all below it, to a policy). The name is heard first, then the longest path.
 */
function mountPolicies(
  annotations: Readonly<Record<string, string>>,
): (volume: string, path: string) => Policy {
  const names = templateAnnotation(annotations, 'inject-ignore-volume-mounts') ?? '';
  const ignored = new Set(names.split(',').map((name) => name.trim()));
  const { byName, byPath } = readPolicies(templateAnnotation(annotations, 'mount-policies'));
  return (volume, path) => {
    if (ignored.has(volume)) return 'Ignore';
    return byName.get(volume) ?? policyOfPath(byPath, path) ?? 'Remote';
  };
}

interface Policies {
  readonly byName: Map<string, Policy>;
  readonly byPath: Map<string, Policy>;
}

/** What is said of the path, or of the nearest directory above it. */
function policyOfPath(byPath: ReadonlyMap<string, Policy>, path: string): Policy | undefined {
  // Each directory is looked up, so that many policies and many mounts take no time that matters.
  for (let at = path.length > longestPath ? '/' : path; ; at = posix.dirname(at)) {
    const policy = byPath.get(at);
    if (policy !== undefined || at === '/') return policy;
  }
}

/** What cannot be read is not heard: a pod is never refused for it. */
function readPolicies(text: string | undefined): Policies {
  const policies: Policies = { byName: new Map(), byPath: new Map() };
  if (text === undefined) return policies;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return policies;
  }
  if (typeof parsed !== 'object' || parsed === null) return policies;
  for (const [key, value] of Object.entries(parsed)) {
    const isPath = key.startsWith('/');
    const where = isPath ? policies.byPath : policies.byName;
    const of = isPath ? plainPath(key) : key;
    // A local directory is the laptop's own affair: nothing of the pod's is needed for it.
    if (value === 'Ignore' || value === 'Local') where.set(of, 'Ignore');
    else if (value === 'Remote' || value === 'RemoteReadOnly') where.set(of, value);
  }
  return policies;
}

/** A path as it is compared: from the root, every step once. */
function plainPath(path: string): string {
  return posix.join('/', path).replace(/(?<=.)\/$/, '');
}
