import { contains, parseIp, parseSubnet } from '#protocol/ip-address.ts';
import type { NetworkPolicyObject, PolicyPeer, PolicyRule } from './cluster-objects.ts';
import { selects } from './selects.ts';

/** A pod as network policies see it. */
export interface PolicyPod {
  readonly namespace: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ips: readonly string[];
}

/** Where agents find the managers. */
export interface ManagerPlace {
  readonly pods: readonly PolicyPod[];
  readonly port: number;
  /** Its name in the pods. */
  readonly portName: string;
}

/**
 * The NetworkPolicies, as `name of namespace x`, by which no agent in this pod may reach any manager.
 * Whether the cluster's network heeds policies cannot be seen: they are a reason, never the proof.
 */
export function policiesAgainst(
  policies: Iterable<NetworkPolicyObject>,
  pod: PolicyPod,
  managers: ManagerPlace,
): readonly string[] {
  const all = [...policies];
  const out = selecting(all, pod, 'Egress');
  const leaving = out.flatMap(({ spec }) => spec.egress);
  if (out.length > 0 && !(asksNames(leaving) && reaches(leaving, pod, managers))) {
    return out.map(describe);
  }
  const barred = managers.pods.map((manager) => {
    const into = selecting(all, manager, 'Ingress');
    const rules = into.flatMap(({ spec }) => spec.ingress);
    const open =
      into.length === 0 ||
      rules.some(
        (rule) =>
          opens(rule, managers) && lets(rule.from, { other: pod, policyIn: manager.namespace }),
      );
    return open ? [] : into.map(describe);
  });
  return barred.every((names) => names.length > 0) ? [...new Set(barred.flat())] : [];
}

function describe({ metadata }: NetworkPolicyObject): string {
  return `${metadata.name} of namespace ${metadata.namespace}`;
}

function selecting(
  policies: readonly NetworkPolicyObject[],
  pod: PolicyPod,
  type: 'Egress' | 'Ingress',
): NetworkPolicyObject[] {
  return policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.namespace &&
      spec.policyTypes.includes(type) &&
      selects(spec.podSelector, pod.labels),
  );
}

/** Agents ask for the managers' name first; where the cluster's DNS is cannot be known here. */
function asksNames(rules: readonly PolicyRule[]): boolean {
  return rules.some(
    ({ ports }) => ports.length === 0 || ports.some(({ protocol }) => protocol === 'UDP'),
  );
}

function reaches(rules: readonly PolicyRule[], pod: PolicyPod, managers: ManagerPlace): boolean {
  return rules.some(
    (rule) =>
      opens(rule, managers) &&
      managers.pods.some((other) => lets(rule.to, { other, policyIn: pod.namespace })),
  );
}

function opens({ ports }: PolicyRule, managers: ManagerPlace): boolean {
  if (ports.length === 0) return true;
  return ports.some(({ protocol, port, endPort }) => {
    if (protocol !== 'TCP') return false;
    if (port === undefined || port === managers.portName || port === managers.port) return true;
    const last = endPort ?? port;
    return typeof port === 'number' && typeof last === 'number'
      ? port <= managers.port && managers.port <= last
      : false;
  });
}

/** No peers are everybody. */
function lets(
  peers: readonly PolicyPeer[],
  { other, policyIn }: { readonly other: PolicyPod; readonly policyIn: string },
): boolean {
  if (peers.length === 0) return true;
  return peers.some(({ ipBlock, namespaceSelector, podSelector }) => {
    if (ipBlock !== undefined) {
      const { cidr, except } = ipBlock;
      // An address that is not known may be within.
      if (other.ips.length === 0) return true;
      return other.ips.some((ip) => within(cidr, ip) && !except.some((one) => within(one, ip)));
    }
    const inNamespace =
      namespaceSelector === undefined
        ? other.namespace === policyIn
        : selects(namespaceSelector, other.namespaceLabels);
    return inNamespace && (podSelector === undefined || selects(podSelector, other.labels));
  });
}

function within(cidr: string, ip: string): boolean {
  const [subnet, address] = [parseSubnet(cidr), parseIp(ip)];
  return subnet !== undefined && address !== undefined && contains(subnet, address);
}
