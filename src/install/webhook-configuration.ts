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
  const account = `system:serviceaccount:${context.namespace}:${values.serviceAccount.name}`;
  const managerAsks = `request.userInfo.username == '${account}' && has(request.dryRun) && request.dryRun`;
  const shared = {
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
  };
  const conditions = [
    {
      name: 'own-network',
      expression: '!has(object.spec.hostNetwork) || !object.spec.hostNetwork',
    },
    {
      name: 'asked-for',
      expression: `has(object.metadata.annotations) && [${annotations
        .map((each) => `'${each}'`)
        .join(', ')}].exists(name, name in object.metadata.annotations)`,
    },
  ];
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: ownedMetadata(context, webhookConfigurationName(context)),
    webhooks: [
      {
        ...shared,
        name: `agent-injector-${context.namespace}.telepresence.io`,
        failurePolicy: webhook.failurePolicy,
        timeoutSeconds: webhook.timeoutSeconds,
        matchConditions: [
          ...conditions,
          { name: 'not-the-managers-question', expression: `!(${managerAsks})` },
        ],
      },
      {
        // The manager's own dry runs fail where the webhook is not reached, and so say why; with
        // `Ignore` the API server would say nothing.
        ...shared,
        name: `agent-injector-probe-${context.namespace}.telepresence.io`,
        failurePolicy: 'Fail',
        timeoutSeconds: probeSeconds,
        matchConditions: [
          ...conditions,
          { name: 'the-managers-question', expression: managerAsks },
        ],
      },
    ],
  };
}

/** A user waits for it. */
const probeSeconds = 2;
