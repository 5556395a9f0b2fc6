import { requestedName, type AgentRequest } from '#protocol/agent-config.ts';
import type { NamespaceObject } from './cluster-objects.ts';
import { requestCovers, requestOf } from './injected.ts';
import type { PodFact } from './pod-facts.ts';
import { targetPorts, type Target } from './target.ts';
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
  /** Containers come back: what the template is to ask from now on, whoever might be against it. */
  readonly restore?: { readonly request: AgentRequest | undefined };
}

/** What has to be done so that every pod of the workload can take the ports; undefined when nothing. */
export function injectionNeed(
  namespace: NamespaceObject | undefined,
  claim: {
    readonly interceptUid: string;
    readonly target: Target;
    /** All containers of the workload that step aside, for whomever. */
    readonly replace: readonly string[];
  },
  pods: readonly PodFact[],
): InjectionNeed | undefined {
  const { target, interceptUid } = claim;
  const { workload } = target;
  // Pods made after the request and still without an agent are the webhook's failure; making them
  // again and again would not help.
  const lacking = pods.filter((pod) => !pod.able && !pod.asked);
  if (lacking.length === 0) return undefined;
  const request = requestOf(workload.object.spec.template.metadata.annotations);
  const covered = requestCovers(request, target);
  return {
    workload,
    interceptUids: [interceptUid],
    requests: covered && request !== undefined ? [request] : candidates(namespace, claim, request),
    recreateOnly: covered,
  };
}

/** Redirect is better: it needs no copy in user space, keeps the client's address and any port. */
function candidates(
  namespace: NamespaceObject | undefined,
  { target, replace }: { readonly target: Target; readonly replace: readonly string[] },
  present: AgentRequest | undefined,
): AgentRequest[] {
  const aside = replace.length === 0 ? {} : { replace: [...replace] };
  const redirect: AgentRequest[] = forbidsNetAdmin(namespace)
    ? []
    : [{ take: 'redirect', ports: [], ...aside }];
  const all = new Set(present?.take === 'rename' ? present.ports : []);
  for (const { portName, protocol } of targetPorts(target)) {
    if (portName !== undefined) all.add(requestedName(portName, protocol));
    // Where the container is aside the agent can listen at its ports, whoever finds them how.
    else if (target.replaces === undefined) return redirect;
  }
  return [...redirect, { take: 'rename', ports: [...all].toSorted(), ...aside }];
}

/** Whether Pod Security refuses the capability that the kernel's rules need. */
export function forbidsNetAdmin(namespace: NamespaceObject | undefined): boolean {
  const level = namespace?.metadata.labels['pod-security.kubernetes.io/enforce'];
  return level === 'baseline' || level === 'restricted';
}

/** Adds one to the others, by workload: its pods are made again only once. */
export function addNeed(needs: Map<string, InjectionNeed>, need: InjectionNeed): void {
  const { uid } = need.workload.object.metadata;
  const other = needs.get(uid);
  needs.set(uid, other === undefined ? need : mergeNeeds(other, need));
}

function mergeNeeds(a: InjectionNeed, b: InjectionNeed): InjectionNeed {
  const requests: AgentRequest[] = [];
  for (const take of ['redirect', 'rename'] as const) {
    const [x, y] = [a, b].map((need) => need.requests.find((request) => request.take === take));
    if (x === undefined || y === undefined) continue;
    const ports = [...new Set([...x.ports, ...y.ports])].toSorted();
    const replace = [...new Set([...(x.replace ?? []), ...(y.replace ?? [])])].toSorted();
    requests.push({ take, ports, ...(replace.length === 0 ? {} : { replace }) });
  }
  const interceptUids = [...a.interceptUids, ...b.interceptUids];
  return {
    workload: a.workload,
    interceptUids,
    requests,
    recreateOnly: a.recreateOnly && b.recreateOnly,
  };
}
