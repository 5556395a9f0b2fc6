import * as v from 'valibot';
import { logLevels } from '#base/log.ts';
import { interceptModes } from './intercept-mode.ts';

/** The API group of our own resources; no peer's RBAC grants it. */
export const group = 'intercept.telepresence.io';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

/** The field manager of everything that we write into other people's objects. */
export const fieldManager = 'telepresence';

/** The audience of the token by which a pod's agent proves which pod it is. */
export const agentAudience = 'traffic-manager.telepresence.io';

/** Annotations by which a pod template asks for an agent, in both prefixes. */
export const injectAnnotations = [
  'telepresence.io/inject-traffic-agent',
  'telepresence.getambassador.io/inject-traffic-agent',
] as const;

/** The annotation on a pod template by which the manager itself asks for an agent (AgentRequest as JSON). */
export const agentRequestAnnotation = `${group}/traffic-agent`;

/** On a namespaced manager's Service: what it serves, with commas between the names. */
export const servedAnnotation = `${group}/namespaces`;

/** The container that the webhook adds, and the init container that redirects. */
export const agentContainer = 'traffic-agent';
export const agentInitContainer = 'tel-agent-init';

export const workloadKinds = ['Deployment', 'ReplicaSet', 'StatefulSet', 'Rollout'] as const;
export type WorkloadKind = (typeof workloadKinds)[number];

const metadata = v.looseObject({
  name: v.string(),
  namespace: v.optional(v.string(), ''),
  uid: v.optional(v.string(), ''),
  resourceVersion: v.optional(v.string(), ''),
  creationTimestamp: v.optional(v.string()),
  deletionTimestamp: v.optional(v.string()),
  labels: v.optional(v.record(v.string(), v.string()), {}),
  annotations: v.optional(v.record(v.string(), v.string()), {}),
});

/** What the laptop asks for when it connects; immutable. */
export const connectionSpec = v.looseObject({
  /** The user as Kubernetes knows it; the admission policy proves it. */
  user: v.string(),
  /** The user's groups, or some of them: the policy proves them too, and rights are asked with them. */
  groups: v.optional(v.array(v.string())),
  /** Shown to people: user@laptop. */
  client: v.string(),
  installId: v.string(),
  /** Base64 of 32 bytes, Ed25519; the private half never leaves the laptop. */
  publicKey: v.string(),
  /** Workloads of this namespace from whose pods the laptop's flows may leave; the policy asks for the right. */
  via: v.optional(v.array(v.string())),
});
export type ConnectionSpec = v.InferOutput<typeof connectionSpec>;

/** How far a workload is from whose pods flows are to leave. */
const viaStatus = v.looseObject({
  state: v.picklist(['Waiting', 'Ready', 'Error']),
  reason: v.optional(v.string()),
  message: v.optional(v.string()),
  agents: v.optional(v.object({ ready: v.number(), wanted: v.number() })),
});
export type ViaStatus = v.InferOutput<typeof viaStatus>;

export const connectionStates = ['Connected', 'Disconnected'] as const;
export const connectionStatus = v.looseObject({
  state: v.optional(v.picklist(connectionStates)),
  /** Base64 of the manager's Ed25519 public key: the laptop accepts no other manager. */
  managerKey: v.optional(v.string()),
  /** PEM of the manager's CA, for the TLS of the port-forward step. */
  managerCa: v.optional(v.string()),
  managerVersion: v.optional(v.string()),
  /** When a replica of the manager last said that it holds the laptop's tunnel. */
  /** What the manager speaks; one that does not say so speaks the first level. */
  apiLevels: v.optional(v.object({ oldest: v.number(), newest: v.number() })),
  renewTime: v.optional(v.string()),
  /** The replicas that hold reverse sessions of the laptop, by pod, and when each last said so. */
  relays: v.optional(v.record(v.string(), v.string())),
  disconnectedSince: v.optional(v.string()),
  message: v.optional(v.string()),
  /** By the workload's name. */
  via: v.optional(v.record(v.string(), viaStatus)),
  /** What its user has asked everything in the cluster to log; without `until` as long as it lasts. */
  logLevel: v.optional(v.object({ level: v.picklist(logLevels), until: v.optional(v.string()) })),
});
export type ConnectionStatus = v.InferOutput<typeof connectionStatus>;

export const connection = v.looseObject({
  metadata,
  spec: connectionSpec,
  status: v.optional(connectionStatus, {}),
});
export type Connection = v.InferOutput<typeof connection>;

/** What the user asks for by `telepresence intercept`, `wiretap` or `ingest`; immutable. */
export const interceptSpec = v.looseObject({
  /** As typed; metadata.name is this with five random characters. */
  name: v.string(),
  user: v.string(),
  client: v.string(),
  connection: v.object({ namespace: v.string(), name: v.string(), uid: v.string() }),
  workload: v.looseObject({
    name: v.string(),
    /** Empty: whichever kind of that name there is. */
    kind: v.optional(v.picklist(workloadKinds)),
  }),
  service: v.optional(v.string()),
  /** Name or number of the service's (or container's) port; absent when there is but one. */
  port: v.optional(v.string()),
  container: v.optional(v.string()),
  mechanism: v.optional(v.picklist(['tcp']), 'tcp'),
  mode: v.optional(v.picklist(interceptModes)),
  /**
   * Where the laptop sends the traffic, of which an ingest has none; without a port where
   * `containerPorts` says it.
   */
  target: v.optional(v.object({ host: v.string(), port: v.optional(v.number()) })),
  /** metadata.name of the Intercept that this one takes over from. */
  replaces: v.optional(v.string()),
  /** Takes over at once what the same user holds by another Connection. */
  force: v.optional(v.boolean()),
  /** The container that answers steps aside while this lasts; its pods are made again, and once more after it. */
  replaceContainer: v.optional(v.boolean()),
  /**
   * Taken is no Service's port but every one of the container's own. Each goes to the laptop's port of
   * the same number, unless it is in here: by name or number, and `/UDP` where TCP's has it too. Without
   * `port` the only one is meant.
   */
  containerPorts: v.optional(
    v.array(v.object({ port: v.optional(v.string()), target: v.number() })),
  ),
});
export type InterceptSpec = v.InferOutput<typeof interceptSpec>;

export const interceptStates = ['Waiting', 'Active', 'Error', 'Disconnected'] as const;
export type InterceptState = (typeof interceptStates)[number];
const containerPortTaken = v.object({
  name: v.optional(v.string()),
  port: v.number(),
  protocol: v.picklist(['TCP', 'UDP']),
  target: v.number(),
});
export const interceptStatus = v.looseObject({
  state: v.optional(v.picklist(interceptStates)),
  /** Why, for machines: WorkloadNotFound, PortAmbiguous, Conflict, InjectionRefused, AgentMissing … */
  reason: v.optional(v.string()),
  message: v.optional(v.string()),
  since: v.optional(v.string()),
  workloadKind: v.optional(v.picklist(workloadKinds)),
  service: v.optional(v.string()),
  servicePort: v.optional(v.object({ name: v.optional(v.string()), port: v.number() })),
  /** The service has more than one port, so its identifier is worth printing. */
  severalPorts: v.optional(v.boolean()),
  container: v.optional(v.string()),
  containerPort: v.optional(v.number()),
  protocol: v.optional(v.picklist(['TCP', 'UDP'])),
  /** With `spec.containerPorts`: the container's ports, and the laptop's to which each goes. */
  ports: v.optional(v.array(containerPortTaken)),
  agents: v.optional(v.object({ ready: v.number(), wanted: v.number() })),
  podIP: v.optional(v.string()),
});
export type InterceptStatus = v.InferOutput<typeof interceptStatus>;

export const intercept = v.looseObject({
  metadata,
  spec: interceptSpec,
  status: v.optional(interceptStatus, {}),
});
export type Intercept = v.InferOutput<typeof intercept>;
