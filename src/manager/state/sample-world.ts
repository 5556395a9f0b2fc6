import * as v from 'valibot';
import { agentConfigVariable, type AgentConfig } from '#protocol/agent-config.ts';
import {
  agentContainer,
  connection as connectionSchema,
  intercept as interceptSchema,
  type Connection,
  type Intercept,
  type InterceptSpec,
  type InterceptStatus,
  type WorkloadKind,
} from '#protocol/resources.ts';
import {
  namespaceObject,
  podObject,
  serviceObject,
  workloadObject,
  type PodObject,
  type ServiceObject,
  type WorkloadObject,
} from './cluster-objects.ts';
import type { World } from './plan.ts';
import type { Facts } from './pod-facts.ts';
import { clusterView, type ClusterView, type Interceptable, type Workload } from './view.ts';

/** Objects for tests: as small as the API server would accept them, or nearly. */

export const namespace = 'shop';

interface SamplePort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

interface SampleWorkload {
  readonly name?: string;
  readonly uid?: string;
  readonly ports?: readonly SamplePort[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hostNetwork?: boolean;
  readonly owner?: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly containers?: readonly {
    readonly name: string;
    readonly ports?: readonly SamplePort[];
  }[];
}

export function workload(options: SampleWorkload = {}): WorkloadObject {
  const name = options.name ?? 'hello';
  const ports = options.ports ?? [{ name: 'http', containerPort: 8080 }];
  return v.parse(workloadObject, {
    metadata: {
      name,
      namespace,
      uid: options.uid ?? `uid-${name}`,
      ...(options.owner && { ownerReferences: [{ ...options.owner, controller: true }] }),
    },
    spec: {
      template: {
        metadata: { labels: { app: name }, annotations: options.annotations ?? {} },
        spec: {
          containers: options.containers ?? [{ name: 'app', ports }],
          hostNetwork: options.hostNetwork,
        },
      },
    },
  });
}

interface SampleServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
}

export function service(
  name = 'hello',
  ports: readonly SampleServicePort[] = [{ port: 80, targetPort: 'http' }],
  app = 'hello',
): ServiceObject {
  return v.parse(serviceObject, {
    metadata: { name, namespace, uid: `uid-svc-${name}` },
    spec: { selector: { app }, ports },
  });
}

export function replicaSetOf(deployment: WorkloadObject, name = 'hello-abc'): WorkloadObject {
  const { metadata } = deployment;
  return workload({ name, owner: { kind: 'Deployment', name: metadata.name, uid: metadata.uid } });
}

interface SamplePod {
  readonly name?: string;
  readonly owner: { readonly kind: WorkloadKind; readonly object: WorkloadObject };
  readonly agent?: Partial<AgentConfig>;
  readonly ready?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ending?: boolean;
}

export function pod(options: SamplePod): PodObject {
  const { owner } = options;
  const name = options.name ?? `${owner.object.metadata.name}-1`;
  return v.parse(podObject, {
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      annotations: options.annotations ?? {},
      ...(options.ending === true && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      ownerReferences: [
        {
          kind: owner.kind,
          name: owner.object.metadata.name,
          uid: owner.object.metadata.uid,
          controller: true,
        },
      ],
    },
    spec: {
      containers: [{ name: 'app' }],
      initContainers:
        options.agent === undefined
          ? []
          : [
              {
                name: agentContainer,
                env: [
                  {
                    name: agentConfigVariable,
                    value: JSON.stringify(agentConfigOf(options.agent)),
                  },
                ],
              },
            ],
    },
    status: {
      phase: 'Running',
      podIP: '10.244.0.5',
      conditions: [{ type: 'Ready', status: options.ready === false ? 'False' : 'True' }],
    },
  });
}

function agentConfigOf(part: Partial<AgentConfig>): unknown {
  return {
    version: 1,
    manager: { host: 'm', port: 8081 },
    ca: [],
    take: 'redirect',
    containers: [],
    ...part,
  };
}

export function connection(
  name = 'alice-1',
  options: {
    readonly user?: string;
    readonly status?: Connection['status'];
    readonly created?: string;
  } = {},
): Connection {
  const user = options.user ?? name.split('-')[0] ?? '';
  return v.parse(connectionSchema, {
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      creationTimestamp: options.created ?? '2026-01-01T00:00:00Z',
    },
    spec: { user, client: `${user}@laptop`, installId: 'i', publicKey: 'k' },
    ...(options.status && { status: options.status }),
  });
}

export function intercept(
  owner: Connection,
  options: Partial<InterceptSpec> & {
    readonly object?: string;
    readonly created?: string;
    readonly status?: InterceptStatus;
  } = {},
): Intercept {
  const { object, created, status, ...spec } = options;
  const name = spec.name ?? 'hello';
  return v.parse(interceptSchema, {
    metadata: {
      name: object ?? `${name}-${owner.metadata.name}`,
      namespace,
      uid: `uid-int-${object ?? `${name}-${owner.metadata.name}`}`,
      creationTimestamp: created ?? '2026-01-01T00:00:00Z',
    },
    spec: {
      name,
      user: owner.spec.user,
      client: owner.spec.client,
      connection: {
        namespace: owner.metadata.namespace,
        name: owner.metadata.name,
        uid: owner.metadata.uid,
      },
      workload: { name: 'hello' },
      target: { host: '127.0.0.1', port: 8080 },
      ...spec,
    },
    ...(status && { status }),
  });
}

export function viewOf(lists: {
  readonly interceptable?: Interceptable;
  readonly workloads?: readonly Workload[];
  readonly services?: readonly ServiceObject[];
  readonly pods?: readonly PodObject[];
}): ClusterView {
  const ofKind = (kind: WorkloadKind): WorkloadObject[] =>
    (lists.workloads ?? []).filter((one) => one.kind === kind).map((one) => one.object);
  return clusterView({
    deployments: ofKind('Deployment'),
    replicaSets: ofKind('ReplicaSet'),
    statefulSets: ofKind('StatefulSet'),
    rollouts: ofKind('Rollout'),
    services: lists.services ?? [],
    pods: lists.pods ?? [],
    ...(lists.interceptable && { interceptable: lists.interceptable }),
  });
}

/** One Deployment `hello` behind one Service, with `pods`. */
export function deploymentView(
  pods: (replicaSet: {
    readonly kind: 'ReplicaSet';
    readonly object: WorkloadObject;
  }) => readonly PodObject[],
  options: SampleWorkload = {},
): ClusterView {
  const deployment = workload(options);
  const replicaSet = replicaSetOf(deployment);
  return viewOf({
    workloads: [
      { kind: 'Deployment', object: deployment },
      { kind: 'ReplicaSet', object: replicaSet },
    ],
    services: [service()],
    pods: pods({ kind: 'ReplicaSet', object: replicaSet }),
  });
}

export function factsOf(options: {
  readonly live?: readonly Connection[];
  readonly active?: readonly { readonly pod: string; readonly intercept: Intercept }[];
}): Facts {
  return {
    isHere: (uid) => (options.live ?? []).some((one) => one.metadata.uid === uid),
    isAttached: (podUid) => (options.active ?? []).some((one) => `uid-${one.pod}` === podUid),
    takeState: (podUid, interceptUid) =>
      (options.active ?? []).some(
        (one) => `uid-${one.pod}` === podUid && one.intercept.metadata.uid === interceptUid,
      )
        ? { active: true, message: '' }
        : undefined,
  };
}

export function world(options: Partial<World> = {}): World {
  return {
    connections: [],
    intercepts: [],
    view: viewOf({}),
    namespace: (name) => v.parse(namespaceObject, { metadata: { name } }),
    facts: factsOf({}),
    injectionRefusals: new Map(),
    manager: { publicKey: 'manager-key', ca: 'manager-ca', version: '0.1.0' },
    lifetimes: { graceMs: 60_000, ttlMs: 86_400_000 },
    nowMs: Date.parse('2026-01-01T00:00:10Z'),
    startedMs: Date.parse('2026-01-01T00:00:00Z'),
    policiesAgainst: () => [],
    replacing: [],
    replicas: { own: 'm-1', runs: (name) => name === 'm-1' || name === 'm-2' },
    ...options,
  };
}
