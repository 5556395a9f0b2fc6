import * as v from 'valibot';
import { logLevels } from '#base/log.ts';

/** The variable of the traffic-manager container that holds ManagerConfig as JSON. */
export const managerConfigVariable = 'TELEPRESENCE_MANAGER_CONFIG';
/** The variable that holds the namespace it runs in. */
export const managerNamespaceVariable = 'TELEPRESENCE_MANAGER_NAMESPACE';
/** The variable that holds the pod's own address. */
export const managerPodIpVariable = 'TELEPRESENCE_MANAGER_POD_IP';

/** Names of the manager's objects; the first is also its Deployment and ServiceAccount. */
export const managerName = 'traffic-manager';
/** Headless: agents connect to every replica. */
export const agentsServiceName = 'traffic-manager-agents';
export const injectorServiceName = 'agent-injector';
/** Holds the CA and the manager's signing key; created by the manager, kept through upgrades. */
export const identitySecretName = 'traffic-manager-identity';
/** The Service's port that laptops' connections are proxied to. */
export const apiPortName = 'api';
/** Where the webhook answers. */
export const webhookPath = '/traffic-agent';

/** The webhook configuration of the manager in `namespace`; cluster-wide, so named after it. */
export function webhookConfigurationName(namespace: string): string {
  return `agent-injector-webhook-${namespace}`;
}

const quantities = v.record(v.string(), v.union([v.string(), v.number()]));

/** What Helm's values tell the manager. */
export const managerConfig = v.object({
  version: v.literal(1),
  logLevel: v.picklist(logLevels),
  ports: v.object({ api: v.number(), agents: v.number(), webhook: v.number() }),
  injector: v.object({ enabled: v.boolean() }),
  agent: v.object({
    image: v.string(),
    pullPolicy: v.optional(v.string()),
    logLevel: v.picklist(logLevels),
    resources: v.object({ requests: quantities, limits: quantities }),
  }),
  client: v.object({
    connectionTtlMs: v.number(),
    alsoProxySubnets: v.array(v.string()),
    neverProxySubnets: v.array(v.string()),
  }),
  /** Pod subnets, where they cannot be learnt from the nodes. */
  podCidrs: v.array(v.string()),
});
export type ManagerConfig = v.InferOutput<typeof managerConfig>;
