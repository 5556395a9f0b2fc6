import { either, list, object, optional, required } from './build.ts';
import { connectionName, exposed, filled, namespace, subnet } from './forms.ts';

const fields = {
  context: optional(filled, 'Context of the kubeconfig', { otherwise: 'the current one' }),
  cluster: optional(filled, 'Cluster of the kubeconfig', { otherwise: "the context's" }),
  user: optional(filled, 'User of the kubeconfig', { otherwise: "the context's" }),
  as: optional(filled, 'User to impersonate'),
  asUID: optional(filled, 'UID to impersonate'),
  asGroups: optional(list(filled), 'Groups to impersonate'),
  namespace: optional(namespace, 'Namespace that is connected to', { otherwise: "the context's" }),
  managerNamespace: optional(namespace, 'Namespace of the traffic-manager', {
    otherwise: 'found, as `connect` does',
  }),
  mappedNamespaces: optional(
    list(namespace),
    'Namespaces whose Services are known by name, beside the one that is connected to',
    { otherwise: 'all' },
  ),
  alsoProxy: optional(list(subnet), 'Further subnets that are reached through the cluster'),
  neverProxy: optional(list(subnet), 'Subnets that are left alone'),
  allowConflictingSubnets: optional(
    list(subnet),
    'Subnets that are routed though this machine has a route to them',
  ),
  expose: optional(
    either(exposed, list(exposed)),
    "Ports of the daemon's container that are published on this machine; one, or a list",
  ),
  hostname: optional(filled, "Name that the daemon's container has for itself"),
};

/** `connection`: the only one, which need not have a name. */
export const connectionSchema = object({
  name: optional(connectionName, 'What the connection is called', {
    otherwise: '`CONTEXT-NAMESPACE`',
  }),
  ...fields,
});

/** An item of `connections`. */
export const namedConnectionSchema = object({
  name: required(
    connectionName,
    'What the connection is called; workloads say it before their name',
  ),
  ...fields,
});
