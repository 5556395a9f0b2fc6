import {
  agentsServiceName,
  apiPortName,
  injectorServiceName,
  managerConfigVariable,
  managerName,
  managerNamespaceVariable,
  managerPodIpVariable,
  webhookConfigurationName,
  webhookPath,
  type ManagerConfig,
} from '#protocol/manager-config.ts';
import { agentRequestAnnotation, injectAnnotations } from '#protocol/resources.ts';
import type { Manifest } from './cluster-part.ts';
import { managerRights } from './manager-rights.ts';
import type { InstallContext } from './manifests.ts';
import type { Values } from './values.ts';

/** The port that agents connect to, in the cluster only. */
const agentsPort = 8081;

/** One traffic-manager: its rights, Deployment, Services and webhook, in the order of installation. */
export function managerPart(values: Values, context: InstallContext): readonly Manifest[] {
  return [
    inNamespace('v1', 'ServiceAccount', managerName, context, {}),
    ...managerRights(values, context),
    service(managerName, context, {
      ports: [{ name: apiPortName, port: values.apiPort, targetPort: apiPortName }],
    }),
    service(agentsServiceName, context, {
      clusterIP: 'None',
      // An agent may connect to a replica that is not ready for laptops yet.
      publishNotReadyAddresses: true,
      ports: [{ name: 'agents', port: agentsPort, targetPort: 'agents' }],
    }),
    ...(values.agentInjector.enabled
      ? [
          service(injectorServiceName, context, {
            ports: [{ name: 'https', port: 443, targetPort: 'webhook' }],
          }),
          webhook(values, context),
        ]
      : []),
    deployment(values, context),
  ];
}

function inNamespace(
  apiVersion: string,
  kind: string,
  name: string,
  { namespace }: InstallContext,
  rest: object,
): Manifest {
  return { apiVersion, kind, metadata: { name, namespace, labels: managerLabels }, ...rest };
}

const managerLabels = { app: managerName, telepresence: 'manager' } as const;

function service(name: string, context: InstallContext, spec: object): Manifest {
  return inNamespace('v1', 'Service', name, context, {
    spec: { type: 'ClusterIP', selector: managerLabels, ...spec },
  });
}

// The manager fills in caBundle. Owned by the namespace, so that deleting it leaves no webhook.
function webhook({ agentInjector }: Values, context: InstallContext): Manifest {
  const { webhook: hook } = agentInjector;
  const asked = [...injectAnnotations, agentRequestAnnotation].map((name) => `'${name}'`);
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: webhookConfigurationName(context.namespace),
      labels: managerLabels,
      ...(context.namespaceUid === undefined
        ? {}
        : {
            ownerReferences: [
              {
                apiVersion: 'v1',
                kind: 'Namespace',
                name: context.namespace,
                uid: context.namespaceUid,
              },
            ],
          }),
    },
    webhooks: [
      {
        name: `agent-injector.${context.namespace}.telepresence.io`,
        admissionReviewVersions: ['v1'],
        clientConfig: {
          service: { name: injectorServiceName, namespace: context.namespace, path: webhookPath },
        },
        failurePolicy: hook.failurePolicy,
        reinvocationPolicy: hook.reinvocationPolicy,
        sideEffects: 'None',
        timeoutSeconds: hook.timeoutSeconds,
        rules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE'],
            resources: ['pods'],
            scope: 'Namespaced',
          },
        ],
        matchConditions: [
          {
            name: 'asked',
            expression: `has(object.metadata.annotations) && [${asked.join(', ')}].exists(a, a in object.metadata.annotations)`,
          },
          {
            name: 'own-network',
            expression: '!has(object.spec.hostNetwork) || !object.spec.hostNetwork',
          },
        ],
        namespaceSelector: {
          matchExpressions: [
            {
              key: 'kubernetes.io/metadata.name',
              operator: 'NotIn',
              values: ['kube-system', 'kube-node-lease', context.namespace],
            },
          ],
        },
      },
    ],
  };
}

function deployment(values: Values, context: InstallContext): Manifest {
  const config = configFor(values, context);
  return inNamespace('apps/v1', 'Deployment', managerName, context, {
    spec: {
      replicas: values.replicaCount,
      selector: { matchLabels: managerLabels },
      template: {
        metadata: {
          labels: { ...values.podLabels, ...managerLabels },
          ...(Object.keys(values.podAnnotations).length > 0
            ? { annotations: values.podAnnotations }
            : {}),
        },
        spec: {
          serviceAccountName: managerName,
          terminationGracePeriodSeconds: 10,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          ...scheduling(values),
          containers: [
            {
              name: managerName,
              image: imageReference(values.image, context),
              imagePullPolicy: values.image.pullPolicy ?? 'IfNotPresent',
              command: ['node', '/app/tel2.mjs', 'manager'],
              env: [
                { name: managerConfigVariable, value: JSON.stringify(config) },
                fromField(managerNamespaceVariable, 'metadata.namespace'),
                fromField(managerPodIpVariable, 'status.podIP'),
              ],
              ports: [
                { name: apiPortName, containerPort: config.ports.api },
                { name: 'agents', containerPort: config.ports.agents },
                { name: 'webhook', containerPort: config.ports.webhook },
              ],
              // Ready when relay and webhook listen: kube-apiserver answers 503 before.
              readinessProbe: { tcpSocket: { port: apiPortName }, periodSeconds: 1 },
              livenessProbe: {
                tcpSocket: { port: 'webhook' },
                periodSeconds: 10,
                failureThreshold: 6,
              },
              resources: values.resources,
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
                runAsNonRoot: true,
                runAsUser: 1000,
              },
              volumeMounts: [{ name: 'run', mountPath: '/run/telepresence' }],
            },
          ],
          // For the socket between controller and relay.
          volumes: [{ name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
        },
      },
    },
  });
}

function fromField(name: string, fieldPath: string): object {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function scheduling(values: Values): object {
  const secrets = values.image.imagePullSecrets;
  return {
    ...(Object.keys(values.nodeSelector).length > 0 ? { nodeSelector: values.nodeSelector } : {}),
    ...(values.tolerations.length > 0 ? { tolerations: values.tolerations } : {}),
    ...(Object.keys(values.affinity).length > 0 ? { affinity: values.affinity } : {}),
    ...(values.priorityClassName === undefined
      ? {}
      : { priorityClassName: values.priorityClassName }),
    ...(secrets.length > 0 ? { imagePullSecrets: secrets } : {}),
  };
}

function imageReference(image: Values['image'], { defaultImage }: InstallContext): string {
  const registry = image.registry ?? defaultImage.registry;
  const name = `${image.name ?? defaultImage.name}:${image.tag ?? defaultImage.tag}`;
  return registry === '' ? name : `${registry}/${name}`;
}

const secondsOf = { h: 3600, m: 60, s: 1 } as const;

function milliseconds(duration: string): number {
  const unit = duration.endsWith('h') ? 'h' : duration.endsWith('m') ? 'm' : 's';
  return Number(duration.slice(0, -1)) * secondsOf[unit] * 1000;
}

function configFor(values: Values, context: InstallContext): ManagerConfig {
  const agentImage = { ...values.image, ...defined(values.agent.image) };
  return {
    version: 1,
    logLevel: values.logLevel,
    ports: { api: values.apiPort, agents: agentsPort, webhook: values.agentInjector.webhook.port },
    injector: { enabled: values.agentInjector.enabled },
    agent: {
      image: imageReference(agentImage, context),
      pullPolicy: agentImage.pullPolicy ?? 'IfNotPresent',
      logLevel: values.agent.logLevel ?? values.logLevel,
      resources: values.agent.resources,
    },
    client: {
      connectionTtlMs: milliseconds(values.client.connectionTTL),
      alsoProxySubnets: values.client.routing.alsoProxySubnets,
      neverProxySubnets: values.client.routing.neverProxySubnets,
    },
    podCidrs: values.podCIDRs,
  };
}

function defined<T extends object>(object: T): Partial<T> {
  const copy = { ...object };
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) Reflect.deleteProperty(copy, key);
  }
  return copy;
}
