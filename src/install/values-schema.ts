import * as v from 'valibot';
import { logLevels } from '#base/log.ts';
import {
  anything,
  duration,
  group,
  name,
  nameMappings,
  namespaceNames,
  port,
  pullPolicy,
  pullSecrets,
  quantities,
  selector,
  strings,
  subject,
  subnetOrNone,
  subnets,
  texts,
  things,
  value,
  without,
} from './value-shapes.ts';

/** Where the subnets of pods are taken from. */
export const podCidrStrategies = ['auto', 'environment', 'nodePodCIDRs', 'coverPodIPs'] as const;

const scheduling = {
  nodeSelector: value(strings, {}, "Labels of the nodes that the manager's pods may run on"),
  tolerations: value(things, [], 'Taints that they tolerate'),
  affinity: value(anything, {}, 'Where they would rather run'),
  topologySpreadConstraints: value(things, [], 'How they are spread'),
  priorityClassName: value(v.string(), '', 'Their PriorityClass'),
  schedulerName: value(v.string(), '', 'Who places them, when not the default scheduler'),
};

const agent = group({
  image: group({
    registry: without(v.string(), 'Registry of the agent’s image; else that of `image`'),
    name: without(name, 'Name of the agent’s image; else that of `image`'),
    tag: without(v.string(), 'Tag of the agent’s image; else that of `image`'),
    pullPolicy: without(pullPolicy, 'When nodes pull it; else that of `image`'),
  }),
  logLevel: without(v.picklist(logLevels), 'How much agents log; else `logLevel`'),
  resources: group({
    requests: value(quantities, { cpu: '10m', memory: '64Mi' }, 'What each agent asks for'),
    limits: value(quantities, { cpu: '1', memory: '256Mi' }, 'What it may use at most'),
  }),
  initResources: group({
    requests: value(quantities, {}, 'What the init container asks for; empty: as the agent'),
    limits: value(quantities, {}, 'What it may use at most; empty: as the agent'),
  }),
  securityContext: value(anything, {}, 'Laid over the agent’s own security context'),
});

const agentInjector = group({
  enabled: value(v.boolean(), true, 'Whether agents are put into pods at all'),
  name: value(name, 'agent-injector', 'Name of the Service in front of the webhook'),
  injectPolicy: value(
    v.picklist(['OnDemand', 'WhenEnabled']),
    'OnDemand',
    'WhenEnabled: only workloads whose pod template has the annotation inject-traffic-agent: enabled can be intercepted',
  ),
  webhook: group({
    port: value(port, 443, 'Port of the Service; the pod listens on 8443'),
    servicePath: value(v.literal('/traffic-agent'), '/traffic-agent', 'Path of the webhook'),
    admissionReviewVersions: value(
      v.array(v.literal('v1')),
      ['v1'],
      'Versions of AdmissionReview that are understood',
    ),
    failurePolicy: value(
      v.picklist(['Ignore', 'Fail']),
      'Ignore',
      'What becomes of a pod that asks for an agent while no manager answers',
    ),
    reinvocationPolicy: value(
      v.picklist(['Never', 'IfNeeded']),
      'IfNeeded',
      'Whether it is asked again after other webhooks',
    ),
    sideEffects: value(v.literal('None'), 'None', 'It has none'),
    timeoutSeconds: value(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(30)),
      3,
      'How long the API server waits for it',
    ),
    namespaceSelector: value(
      selector,
      {},
      'Further conditions on namespaces, beside those that are always left out',
    ),
    objectSelector: value(selector, {}, 'Conditions on the labels of pods'),
  }),
});

const rights = {
  managerRbac: group({
    create: value(v.boolean(), true, 'Whether the manager’s roles and bindings are made'),
    namespaced: value(
      v.boolean(),
      false,
      'The manager sees and serves `managerRbac.namespaces` only, by a Role in each',
    ),
    namespaces: value(namespaceNames, [], 'The namespaces of a namespaced manager'),
  }),
  namespaces: value(
    namespaceNames,
    [],
    'The newer name of `managerRbac.namespaces`; given, the manager is a namespaced one',
  ),
  clientRbac: group({
    create: value(v.boolean(), false, 'Whether `subjects` get what users need'),
    subjects: value(v.array(subject), [], 'Users, groups and service accounts'),
    namespaced: value(
      v.boolean(),
      false,
      'They get it in `clientRbac.namespaces` only, by a RoleBinding in each',
    ),
    namespaces: value(
      namespaceNames,
      [],
      'Where they may connect and intercept; empty: where the manager serves',
    ),
    ruleExtras: value(
      v.union([v.literal(false), things]),
      false,
      'Further RBAC rules that the subjects get, in the same places',
    ),
  }),
  rbac: group({ only: value(v.boolean(), false, 'Only accounts, roles and bindings are made') }),
  serviceAccount: group({
    create: value(v.boolean(), true, 'Whether the manager’s account is made'),
    name: value(name, 'traffic-manager', 'Name of the manager’s account'),
    annotations: value(strings, {}, 'Annotations of the account'),
  }),
};

const client = group({
  connectionTTL: value(
    duration,
    '24h',
    'How long a connection without its laptop is kept before it is deleted',
  ),
  outbound: value(
    v.picklist(['cluster', 'namespaces']),
    'cluster',
    'What laptops may dial: everything in the cluster, or the namespaces that their user may use',
  ),
  routing: group({
    alsoProxySubnets: value(subnets, [], 'Further subnets that laptops reach through the cluster'),
    neverProxySubnets: value(subnets, [], 'Subnets that laptops leave alone'),
    allowConflictingSubnets: value(
      subnets,
      [],
      'Subnets that are routed though the laptop has a route to them',
    ),
    autoResolveConflicts: value(
      v.boolean(),
      true,
      'Whether subnets that the laptop has a route to are known by virtual addresses there; otherwise they are refused',
    ),
    virtualSubnet: value(
      subnetOrNone,
      '',
      'Where virtual addresses are; empty: 246.246.0.0/16, or another one where that is in use',
    ),
  }),
  dns: group({
    excludeSuffixes: value(
      texts,
      ['.com', '.io', '.net', '.org', '.ru'],
      'Names that are never asked in the cluster',
    ),
    includeSuffixes: value(texts, [], 'Names that are always asked in the cluster'),
    excludes: value(texts, [], 'Names that are never asked in the cluster, whatever else is said'),
    mappings: value(
      nameMappings,
      [],
      'Names that stand for other names or for addresses: `{name, aliasFor}`',
    ),
    lookupTimeout: value(duration, '4s', 'How long the cluster’s answer to a name is waited for'),
  }),
});

/** All values, as `helm install --values` takes them: the one source of chart, checks and docs. */
export const valuesSchema = v.strictObject({
  image: group({
    registry: value(v.string(), 'ghcr.io/telepresenceio', 'Registry of all images'),
    name: value(name, 'tel2', 'Name of the image'),
    tag: value(v.string(), '', 'Tag of the image; empty: the version'),
    pullPolicy: without(pullPolicy, 'When nodes pull the image; else as Kubernetes does'),
    imagePullSecrets: value(pullSecrets, [], 'Secrets with the registry’s credentials'),
  }),
  logLevel: value(v.picklist(logLevels), 'info', 'How much the manager logs'),
  replicaCount: value(
    v.pipe(v.number(), v.integer(), v.minValue(0)),
    2,
    'How many managers run; 0: none',
  ),
  apiPort: value(port, 10_250, 'Port of the tunnel; the API server must be able to reach it'),
  hostNetwork: value(
    v.boolean(),
    false,
    'The manager uses its node’s network, where the API server cannot reach pods; give another `apiPort` with it',
  ),
  service: group({
    type: value(
      v.literal('ClusterIP'),
      'ClusterIP',
      'The API server’s proxy is the only way in: nothing is exposed',
    ),
  }),
  resources: group({
    requests: value(quantities, { cpu: '50m', memory: '128Mi' }, 'What the manager asks for'),
    limits: value(quantities, {}, 'What it may use at most'),
  }),
  securityContext: value(anything, {}, 'Laid over the container’s security context'),
  podSecurityContext: value(anything, {}, 'Laid over the pod’s security context'),
  livenessProbe: value(anything, {}, 'Laid over the liveness probe'),
  readinessProbe: value(anything, {}, 'Laid over the readiness probe'),
  podAnnotations: value(strings, {}, 'Annotations of the manager’s pods'),
  podLabels: value(strings, {}, 'Labels of the manager’s pods'),
  ...scheduling,
  podCIDRs: value(subnets, [], 'Subnets of pods, where neither nodes nor pods tell them'),
  podCIDRStrategy: value(
    v.picklist(podCidrStrategies),
    'auto',
    'Where subnets of pods come from: `podCIDRs`, nodes, pods; auto: the first that says any, and pods for the rest',
  ),
  agent,
  agentInjector,
  ...rights,
  intercept: group({
    environment: group({
      excluded: value(texts, [], 'Environment variables that never leave a pod'),
    }),
    grace: value(
      duration,
      '60s',
      'How long an intercept whose laptop is gone is kept from other users',
    ),
  }),
  workloads: group({
    deployments: group({
      enabled: value(v.boolean(), true, 'Whether Deployments can be intercepted'),
    }),
    statefulSets: group({
      enabled: value(v.boolean(), true, 'Whether StatefulSets can be intercepted'),
    }),
    replicaSets: group({
      enabled: value(v.boolean(), true, 'Whether ReplicaSets can be intercepted'),
    }),
    argoRollouts: group({
      enabled: value(v.boolean(), false, 'Whether the Rollouts of Argo can be intercepted'),
    }),
  }),
  client,
});
export type Values = v.InferOutput<typeof valuesSchema>;
