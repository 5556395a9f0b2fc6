import { requestedName, type AgentRequest } from '#protocol/agent-config.ts';
import type { NamespaceObject } from './cluster-objects.ts';
import { requestCovers, requestOf, type PortAsked } from './injected.ts';
import type { PodFact } from './pod-facts.ts';
import type { Workload } from './view.ts';

/** A workload whose pods need an agent (or another one). */
export interface InjectionNeed {
  readonly workload: Workload;
  /** For whom. */
  readonly interceptUids: readonly string[];
  /** What to try, the best first; empty when nothing can do it. */
  readonly requests: readonly AgentRequest[];
  /** The template asks already, and the pods have to be made again. */
  readonly recreateOnly: boolean;
}

/** What has to be done so that every pod of the workload can take the port; undefined when nothing. */
export function injectionNeed(
  workload: Workload,
  namespace: NamespaceObject | undefined,
  claim: { readonly interceptUid: string; readonly port: PortAsked },
  pods: readonly PodFact[],
): InjectionNeed | undefined {
  const { port, interceptUid } = claim;
  // Pods made after the request and still without an agent are the webhook's failure; making them
  // again and again would not help.
  const lacking = pods.filter((pod) => !pod.able && !pod.asked);
  if (lacking.length === 0) return undefined;
  const request = requestOf(workload.object.spec.template.metadata.annotations);
  const covered = requestCovers(request, port);
  return {
    workload,
    interceptUids: [interceptUid],
    requests: covered && request !== undefined ? [request] : candidates(namespace, port, request),
    recreateOnly: covered,
  };
}

/** Redirect is better: it needs no copy in user space, keeps the client's address and any port. */
function candidates(
  namespace: NamespaceObject | undefined,
  port: PortAsked,
  present: AgentRequest | undefined,
): AgentRequest[] {
  const redirect: AgentRequest[] = forbidsNetAdmin(namespace)
    ? []
    : [{ take: 'redirect', ports: [] }];
  if (port.portName === undefined) return redirect;
  const names = new Set([
    ...(present?.take === 'rename' ? present.ports : []),
    requestedName(port.portName, port.protocol),
  ]);
  return [...redirect, { take: 'rename', ports: [...names].toSorted() }];
}

/** Whether Pod Security refuses the capability that the kernel's rules need. */
export function forbidsNetAdmin(namespace: NamespaceObject | undefined): boolean {
  const level = namespace?.metadata.labels['pod-security.kubernetes.io/enforce'];
  return level === 'baseline' || level === 'restricted';
}

/** One request for two Intercepts of the same workload, so that its pods are made again only once. */
export function mergeNeeds(a: InjectionNeed, b: InjectionNeed): InjectionNeed {
  const requests: AgentRequest[] = [];
  for (const take of ['redirect', 'rename'] as const) {
    const [x, y] = [a, b].map((need) => need.requests.find((request) => request.take === take));
    if (x === undefined || y === undefined) continue;
    requests.push({ take, ports: [...new Set([...x.ports, ...y.ports])].toSorted() });
  }
  const interceptUids = [...a.interceptUids, ...b.interceptUids];
  return {
    workload: a.workload,
    interceptUids,
    requests,
    recreateOnly: a.recreateOnly && b.recreateOnly,
  };
}
