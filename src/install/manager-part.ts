import { clientBindings, clientTunnelRole } from './client-rights.ts';
import { deployment } from './deployment.ts';
import { agentsPort, agentsPortName, agentsService } from './manager-config.ts';
import { managerRights } from './manager-rights.ts';
import {
  helmMetadata,
  managerName,
  managerSelector,
  type InstallContext,
  type Manifest,
} from './manifest.ts';
import { dryRunPolicy } from './policies.ts';
import { servedAnnotation } from '#protocol/resources.ts';
import { claimedNamespaces, type Values } from './values.ts';
import { webhookConfiguration } from './webhook-configuration.ts';

/** One manager: what is in its namespace, and the cluster-wide objects that end with it. */
export function managerPart(values: Values, context: InstallContext): Manifest[] {
  const { enabled: injector, name: injectorName } = values.agentInjector;
  return [
    ...serviceAccount(values, context),
    ...(values.managerRbac.create ? managerRights(values, context) : []),
    clientTunnelRole(context),
    ...clientBindings(values, context),
    ...dryRunPolicy(context, values.serviceAccount.name),
    apiService(values, context),
    service(
      context,
      agentsService,
      [{ name: agentsPortName, port: agentsPort, targetPort: agentsPortName }],
      {
        clusterIP: 'None',
        // After a restart the agents are back before the first laptop is let in.
        publishNotReadyAddresses: true,
      },
    ),
    ...(injector
      ? [
          service(context, injectorName, [
            { name: 'https', port: values.agentInjector.webhook.port, targetPort: 'webhook' },
          ]),
        ]
      : []),
    deployment(values, context),
    disruptionBudget(context),
    ...(injector ? [webhookConfiguration(values, context)] : []),
  ];
}

/** Nodes are drained one manager at a time; never blocked, also where there is but one manager. */
function disruptionBudget(context: InstallContext): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: helmMetadata(context, managerName, { namespace: context.namespace }),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: { ...managerSelector } },
    },
  };
}

/** Laptops learn from it what a namespaced manager serves. */
function apiService(values: Values, context: InstallContext): Manifest {
  const ports = [{ name: 'api', port: values.apiPort, targetPort: 'api' }];
  const made = service(context, managerName, ports);
  const claimed = claimedNamespaces(values);
  if (claimed === undefined) return made;
  const annotations = { ...made.metadata.annotations, [servedAnnotation]: claimed.join(',') };
  return { ...made, metadata: { ...made.metadata, annotations } };
}

function serviceAccount({ serviceAccount }: Values, context: InstallContext): Manifest[] {
  const { create, name, annotations } = serviceAccount;
  if (!create) return [];
  const metadata = helmMetadata(context, name, { namespace: context.namespace });
  return [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { ...metadata, annotations: { ...annotations, ...metadata.annotations } },
    },
  ];
}

function service(
  context: InstallContext,
  name: string,
  ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[],
  more: Readonly<Record<string, unknown>> = {},
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: helmMetadata(context, name, { namespace: context.namespace }),
    spec: { ...more, selector: { ...managerSelector }, ports },
  };
}
