import {
  agentsPort,
  agentsPortName,
  imageName,
  managerConfigFor,
  managerConfigVariable,
  managerPodVariable,
  webhookListenPort,
} from './manager-config.ts';
import {
  helmMetadata,
  managerName,
  managerSelector,
  type InstallContext,
  type Manifest,
} from './manifest.ts';
import type { Values } from './values.ts';

/** One manager: a container that passes Pod Security "restricted", whatever user it runs as. */
export function deployment(values: Values, context: InstallContext): Manifest {
  const { namespace } = context;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: helmMetadata(context, managerName, { namespace }),
    spec: {
      replicas: values.replicaCount,
      // One more before one less: somebody has every laptop's and every agent's connection.
      // In the node's own network the port must be free first.
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: values.hostNetwork
          ? { maxSurge: 0, maxUnavailable: 1 }
          : { maxSurge: 1, maxUnavailable: 0 },
      },
      // So long laptops and agents get to come to a new one before the next old one goes.
      minReadySeconds: 3,
      selector: { matchLabels: { ...managerSelector } },
      template: {
        metadata: {
          labels: { ...values.podLabels, ...managerSelector },
          ...(isEmpty(values.podAnnotations) ? {} : { annotations: values.podAnnotations }),
        },
        spec: podSpec(values, context),
      },
    },
  };
}

/** Managers on different nodes, where there are several. */
const apart = [
  {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    // On a cluster of one node they share it.
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { ...managerSelector } },
    matchLabelKeys: ['pod-template-hash'],
  },
];

function podSpec(values: Values, context: InstallContext): Record<string, unknown> {
  const { imagePullSecrets } = values.image;
  return {
    serviceAccountName: values.serviceAccount.name,
    ...(values.hostNetwork ? { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' } : {}),
    // Five of them for open connections to end.
    terminationGracePeriodSeconds: 20,
    securityContext: {
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
      // For pings, without any right; one of those that Pod Security allows to everybody, but for
      // pods in the node's own network.
      ...(values.hostNetwork
        ? {}
        : { sysctls: [{ name: 'net.ipv4.ping_group_range', value: '0 2147483647' }] }),
      ...values.podSecurityContext,
    },
    containers: [container(values, context)],
    // The socket between the manager's processes.
    volumes: [{ name: 'run', emptyDir: {} }],
    ...(imagePullSecrets.length === 0 ? {} : { imagePullSecrets }),
    ...(isEmpty(values.nodeSelector) ? {} : { nodeSelector: values.nodeSelector }),
    ...(isEmpty(values.affinity) ? {} : { affinity: values.affinity }),
    ...(values.tolerations.length === 0 ? {} : { tolerations: values.tolerations }),
    topologySpreadConstraints:
      values.topologySpreadConstraints.length === 0 ? apart : values.topologySpreadConstraints,
    ...(values.schedulerName === '' ? {} : { schedulerName: values.schedulerName }),
    ...(values.priorityClassName === '' ? {} : { priorityClassName: values.priorityClassName }),
  };
}

function container(values: Values, context: InstallContext): Record<string, unknown> {
  const { pullPolicy } = values.image;
  const probe = { path: '/healthz', port: 'api', scheme: 'HTTPS' };
  return {
    name: managerName,
    image: imageName(values.image, context),
    ...(pullPolicy === undefined ? {} : { imagePullPolicy: pullPolicy }),
    args: ['manager'],
    env: [
      {
        name: managerConfigVariable,
        // In a variable's value `$$` is a dollar.
        value: JSON.stringify(managerConfigFor(values, context)).replaceAll('$', () => '$$'),
      },
      { name: managerPodVariable, valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    ports: [
      { name: 'api', containerPort: values.apiPort },
      { name: agentsPortName, containerPort: agentsPort },
      ...(values.agentInjector.enabled
        ? [{ name: 'webhook', containerPort: webhookListenPort }]
        : []),
    ],
    readinessProbe: {
      httpGet: probe,
      periodSeconds: 2,
      failureThreshold: 2,
      ...values.readinessProbe,
    },
    livenessProbe: {
      httpGet: probe,
      periodSeconds: 10,
      failureThreshold: 6,
      timeoutSeconds: 5,
      ...values.livenessProbe,
    },
    resources: values.resources,
    volumeMounts: [{ name: 'run', mountPath: '/run/telepresence' }],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      ...values.securityContext,
    },
  };
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0;
}
