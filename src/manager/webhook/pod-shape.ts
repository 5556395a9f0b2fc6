import * as v from 'valibot';

// No defaults here: what is not in the request must not be in the patch.

const probe = v.looseObject({
  httpGet: v.optional(v.looseObject({ port: v.union([v.number(), v.string()]) })),
  tcpSocket: v.optional(v.looseObject({ port: v.union([v.number(), v.string()]) })),
});
/** A probe, or the handler of a lifecycle hook. */
export type Probe = v.InferOutput<typeof probe>;

const envVar = v.looseObject({
  name: v.string(),
  value: v.optional(v.string()),
  valueFrom: v.optional(
    v.looseObject({
      resourceFieldRef: v.optional(v.looseObject({ containerName: v.optional(v.string()) })),
      fileKeyRef: v.optional(v.unknown()),
    }),
  ),
});
export type EnvVar = v.InferOutput<typeof envVar>;

const envSource = v.looseObject({ prefix: v.optional(v.string()) });
export type EnvSource = v.InferOutput<typeof envSource>;

const port = v.looseObject({
  name: v.optional(v.string()),
  containerPort: v.number(),
  protocol: v.optional(v.string()),
  hostPort: v.optional(v.number()),
  hostIP: v.optional(v.string()),
});
export type PodPort = v.InferOutput<typeof port>;

const quantities = v.record(v.string(), v.union([v.string(), v.number()]));

const volumeMount = v.looseObject({
  name: v.string(),
  mountPath: v.string(),
  readOnly: v.optional(v.boolean()),
  subPath: v.optional(v.string()),
  subPathExpr: v.optional(v.string()),
  mountPropagation: v.optional(v.string()),
});
export type VolumeMount = v.InferOutput<typeof volumeMount>;

const container = v.looseObject({
  name: v.string(),
  env: v.optional(v.array(envVar)),
  envFrom: v.optional(v.array(envSource)),
  ports: v.optional(v.array(port)),
  livenessProbe: v.optional(probe),
  readinessProbe: v.optional(probe),
  startupProbe: v.optional(probe),
  lifecycle: v.optional(
    v.looseObject({ postStart: v.optional(probe), preStop: v.optional(probe) }),
  ),
  volumeMounts: v.optional(v.array(volumeMount)),
  securityContext: v.optional(v.looseObject({ runAsUser: v.optional(v.number()) })),
  resources: v.optional(
    v.looseObject({ requests: v.optional(quantities), limits: v.optional(quantities) }),
  ),
});
/** A container of the pod as it is asked for. */
export type PodContainer = v.InferOutput<typeof container>;

/** The pod of an admission request: what the injection reads, and everything else as it came. */
export const requestedPod = v.looseObject({
  metadata: v.optional(
    v.looseObject({
      name: v.optional(v.string()),
      generateName: v.optional(v.string()),
      annotations: v.optional(v.record(v.string(), v.string())),
    }),
    {},
  ),
  spec: v.looseObject({
    containers: v.array(container),
    initContainers: v.optional(v.array(container)),
    volumes: v.optional(v.array(v.looseObject({ name: v.string() }))),
    hostNetwork: v.optional(v.boolean()),
    securityContext: v.optional(v.looseObject({ runAsUser: v.optional(v.number()) })),
  }),
});
export type RequestedPod = v.InferOutput<typeof requestedPod>;
