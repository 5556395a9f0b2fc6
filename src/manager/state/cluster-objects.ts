import * as v from 'valibot';
import { agentConfigVariable, type AgentConfig } from '#protocol/agent-config.ts';
import { agentContainer } from '#protocol/resources.ts';
import { parseAgentConfig } from './injected.ts';

// What is not named here is dropped: thousands of objects are kept in memory, and environments are
// nobody's business.
const strings = v.record(v.string(), v.string());

/** The parts of an object's metadata that the manager decides by. */
export const objectMeta = v.object({
  name: v.optional(v.string(), ''),
  generateName: v.optional(v.string()),
  namespace: v.optional(v.string(), ''),
  uid: v.optional(v.string(), ''),
  resourceVersion: v.optional(v.string(), ''),
  creationTimestamp: v.optional(v.nullable(v.string())),
  deletionTimestamp: v.optional(v.string()),
  labels: v.optional(strings, {}),
  annotations: v.optional(strings, {}),
  ownerReferences: v.optional(
    v.array(
      v.object({
        kind: v.string(),
        name: v.string(),
        uid: v.string(),
        controller: v.optional(v.boolean(), false),
      }),
    ),
    [],
  ),
});

const containerPort = v.object({
  name: v.optional(v.string()),
  containerPort: v.number(),
  protocol: v.optional(v.string(), 'TCP'),
});

const container = v.object({
  name: v.string(),
  ports: v.optional(v.array(containerPort), []),
  restartPolicy: v.optional(v.string()),
});
/** A container, as far as resolving ports needs it. */
export type Container = v.InferOutput<typeof container>;

const podTemplate = v.object({
  metadata: v.optional(objectMeta, {}),
  spec: v.object({
    containers: v.array(container),
    initContainers: v.optional(v.array(container), []),
    hostNetwork: v.optional(v.boolean(), false),
  }),
});

/** A Deployment, ReplicaSet or StatefulSet. */
export const workloadObject = v.object({
  metadata: objectMeta,
  spec: v.object({
    replicas: v.optional(v.number(), 1),
    template: podTemplate,
  }),
});
export type WorkloadObject = v.InferOutput<typeof workloadObject>;

/** A Rollout of Argo: where its template is another workload's (`workloadRef`), it has no containers. */
export const rolloutObject = v.object({
  metadata: objectMeta,
  spec: v.object({
    replicas: v.optional(v.number(), 1),
    template: v.optional(podTemplate, { spec: { containers: [] } }),
  }),
});

/** A Service. */
export const serviceObject = v.object({
  metadata: objectMeta,
  spec: v.object({
    type: v.optional(v.string(), 'ClusterIP'),
    selector: v.optional(v.nullable(strings)),
    clusterIPs: v.optional(v.array(v.string()), []),
    clusterIP: v.optional(v.string()),
    externalName: v.optional(v.string()),
    ports: v.optional(
      v.array(
        v.object({
          name: v.optional(v.string()),
          port: v.number(),
          protocol: v.optional(v.string(), 'TCP'),
          targetPort: v.optional(v.union([v.number(), v.string()])),
        }),
      ),
      [],
    ),
  }),
});
export type ServiceObject = v.InferOutput<typeof serviceObject>;

const initContainer = v.object({
  name: v.string(),
  env: v.optional(v.array(v.object({ name: v.string(), value: v.optional(v.string()) })), []),
});

/** What a pod's agent was told; undefined when the pod has none of ours. */
function agentIn(
  containers: readonly v.InferOutput<typeof initContainer>[],
): AgentConfig | undefined {
  const agent = containers.find((one) => one.name === agentContainer);
  return parseAgentConfig(agent?.env.find((one) => one.name === agentConfigVariable)?.value);
}

const containerStatus = v.pipe(
  v.object({ state: v.optional(v.object({ running: v.optional(v.unknown()) }), {}) }),
  v.transform(({ state }) => ({ running: state.running !== undefined })),
);

const initContainerStatus = v.object({
  name: v.string(),
  started: v.optional(v.nullable(v.boolean())),
  state: v.optional(
    v.object({
      running: v.optional(v.object({ startedAt: v.optional(v.nullable(v.string())) })),
    }),
    {},
  ),
});

function agentStatus(status: v.InferOutput<typeof initContainerStatus> | undefined): {
  /** Since when its agent runs. */
  readonly agentStarted: string | null | undefined;
  /** Its agent has been told what to take, or has waited for that in vain (agent.ts). */
  readonly agentListens: boolean;
} {
  return {
    agentStarted: status?.state.running?.startedAt,
    agentListens: status?.started ?? false,
  };
}

/** A Pod that runs; of its containers only the agent's configuration is kept. */
export const podObject = v.object({
  metadata: objectMeta,
  spec: v.pipe(
    v.object({
      initContainers: v.optional(v.array(initContainer), []),
      hostNetwork: v.optional(v.boolean(), false),
    }),
    v.transform(({ initContainers, hostNetwork }) => ({
      hostNetwork,
      agent: agentIn(initContainers),
    })),
  ),
  status: v.optional(
    v.pipe(
      v.object({
        phase: v.optional(v.string(), 'Pending'),
        podIP: v.optional(v.string()),
        podIPs: v.optional(v.array(v.object({ ip: v.string() })), []),
        conditions: v.optional(
          v.array(
            v.object({
              type: v.string(),
              status: v.string(),
              lastTransitionTime: v.optional(v.nullable(v.string())),
            }),
          ),
          [],
        ),
        containerStatuses: v.optional(v.array(containerStatus), []),
        initContainerStatuses: v.optional(v.array(initContainerStatus), []),
      }),
      v.transform(({ containerStatuses, initContainerStatuses, podIPs, ...rest }) => ({
        ...rest,
        ...agentStatus(initContainerStatuses.find(({ name }) => name === agentContainer)),
        podIPs: podIPs.map(({ ip }) => ip),
        /** Whether all of its containers run at the moment. */
        running: containerStatuses.length > 0 && containerStatuses.every((one) => one.running),
      })),
    ),
    {},
  ),
});
export type PodObject = v.InferOutput<typeof podObject>;

/** A Namespace. */
export const namespaceObject = v.object({
  metadata: objectMeta,
  status: v.optional(v.object({ phase: v.optional(v.string(), 'Active') }), {}),
});
export type NamespaceObject = v.InferOutput<typeof namespaceObject>;

/** An EndpointSlice. */
export const endpointSliceObject = v.object({
  metadata: objectMeta,
  addressType: v.string(),
  endpoints: v.optional(
    v.nullable(
      v.array(
        v.object({
          addresses: v.array(v.string()),
          conditions: v.optional(v.object({ ready: v.optional(v.nullable(v.boolean())) }), {}),
        }),
      ),
    ),
  ),
  ports: v.optional(
    v.nullable(
      v.array(
        v.object({
          name: v.optional(v.nullable(v.string())),
          port: v.optional(v.nullable(v.number())),
          protocol: v.optional(v.nullable(v.string())),
        }),
      ),
    ),
  ),
});
export type EndpointSliceObject = v.InferOutput<typeof endpointSliceObject>;

/** A ServiceCIDR of networking.k8s.io/v1. */
export const serviceCidrObject = v.object({
  metadata: objectMeta,
  spec: v.object({ cidrs: v.optional(v.array(v.string()), []) }),
});

export type ServiceCidrObject = v.InferOutput<typeof serviceCidrObject>;

/** A Node. */
export const nodeObject = v.object({
  metadata: objectMeta,
  spec: v.optional(v.object({ podCIDRs: v.optional(v.array(v.string()), []) }), {}),
  status: v.optional(
    v.object({
      addresses: v.optional(v.array(v.object({ type: v.string(), address: v.string() })), []),
    }),
    {},
  ),
});
export type NodeObject = v.InferOutput<typeof nodeObject>;

const labelSelector = v.object({
  matchLabels: v.optional(strings, {}),
  matchExpressions: v.optional(
    v.array(
      v.object({
        key: v.string(),
        operator: v.picklist(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: v.optional(v.array(v.string()), []),
      }),
    ),
    [],
  ),
});
export type LabelSelector = v.InferOutput<typeof labelSelector>;

const policyPeers = v.optional(
  v.array(
    v.object({
      podSelector: v.optional(labelSelector),
      namespaceSelector: v.optional(labelSelector),
      ipBlock: v.optional(
        v.object({ cidr: v.string(), except: v.optional(v.array(v.string()), []) }),
      ),
    }),
  ),
  [],
);
const policyRules = v.optional(
  v.array(
    v.object({
      ports: v.optional(
        v.array(
          v.object({
            protocol: v.optional(v.string(), 'TCP'),
            port: v.optional(v.union([v.number(), v.string()])),
            endPort: v.optional(v.number()),
          }),
        ),
        [],
      ),
      from: policyPeers,
      to: policyPeers,
    }),
  ),
  [],
);
/** One rule of a NetworkPolicy: `from` for ingress, `to` for egress. */
export type PolicyRule = v.InferOutput<typeof policyRules>[number];
/** Whom it lets. */
export type PolicyPeer = PolicyRule['from'][number];

/** A NetworkPolicy. */
export const networkPolicyObject = v.object({
  metadata: objectMeta,
  spec: v.object({
    podSelector: v.optional(labelSelector, {}),
    policyTypes: v.optional(v.array(v.string()), []),
    ingress: policyRules,
    egress: policyRules,
  }),
});
export type NetworkPolicyObject = v.InferOutput<typeof networkPolicyObject>;
