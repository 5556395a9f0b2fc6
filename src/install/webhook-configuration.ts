import { agentRequestAnnotation, injectAnnotations } from '#protocol/resources.ts';
import { ownedMetadata, type InstallContext, type Manifest } from './manifest.ts';
import type { Values } from './values.ts';

/** The Service in front of the webhook. */
export const injectorService = 'agent-injector';
/** The path that admission reviews are posted to. */
export const webhookPath = '/traffic-agent';

/** The name of the cluster-wide object. */
export function webhookConfigurationName(context: InstallContext): string {
  return `agent-injector-webhook-${context.namespace}`;
}

/**
 * Which new pods are shown to the webhook. `caBundle` is put in, and kept right, by the manager, so
 * that nothing secret is made at install time.
 */
export function webhookConfiguration(values: Values, context: InstallContext): Manifest {
  const { webhook } = values.agentInjector;
  const annotations = [...injectAnnotations, agentRequestAnnotation];
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: ownedMetadata(context, webhookConfigurationName(context)),
    webhooks: [
      {
        name: `agent-injector-${context.namespace}.telepresence.io`,
        admissionReviewVersions: ['v1'],
        clientConfig: {
          service: {
            name: injectorService,
            namespace: context.namespace,
            path: webhookPath,
            port: webhook.port,
          },
        },
        rules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE'],
            resources: ['pods'],
            scope: 'Namespaced',
          },
        ],
        failurePolicy: webhook.failurePolicy,
        timeoutSeconds: webhook.timeoutSeconds,
        sideEffects: 'None',
        reinvocationPolicy: 'IfNeeded',
        matchPolicy: 'Equivalent',
        namespaceSelector: {
          matchLabels: webhook.namespaceSelector.matchLabels,
          matchExpressions: [
            {
              key: 'kubernetes.io/metadata.name',
              operator: 'NotIn',
              values: ['kube-system', 'kube-node-lease', context.namespace],
            },
            ...webhook.namespaceSelector.matchExpressions,
          ],
        },
        matchConditions: [
          {
            name: 'own-network',
            expression: '!has(object.spec.hostNetwork) || !object.spec.hostNetwork',
          },
          {
            name: 'asked-for',
            expression: `has(object.metadata.annotations) && [${annotations
              .map((name) => `'${name}'`)
              .join(', ')}].exists(name, name in object.metadata.annotations)`,
          },
        ],
      },
    ],
  };
}
