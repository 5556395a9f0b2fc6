import { agentRequestAnnotation, injectAnnotations } from '#protocol/resources.ts';
import { ownedMetadata, type InstallContext, type Manifest } from './manifest.ts';
import { claimedNamespaces, type Values } from './values.ts';

/** The label by which Kubernetes lets namespaces be selected by name. */
const namespaceLabel = 'kubernetes.io/metadata.name';
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
  const { webhook, name } = values.agentInjector;
  const claimed = claimedNamespaces(values);
  const { objectSelector, namespaceSelector } = webhook;
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
            name,
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
        sideEffects: webhook.sideEffects,
        reinvocationPolicy: webhook.reinvocationPolicy,
        matchPolicy: 'Equivalent',
        namespaceSelector: {
          matchLabels: namespaceSelector.matchLabels,
          matchExpressions: [
            {
              key: namespaceLabel,
              operator: 'NotIn',
              values: ['kube-system', 'kube-node-lease', context.namespace],
            },
            ...(claimed === undefined
              ? []
              : [{ key: namespaceLabel, operator: 'In', values: claimed }]),
            ...namespaceSelector.matchExpressions,
          ],
        },
        objectSelector,
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
