import { modeOf } from '#protocol/intercept-mode.ts';
import type { Intercept, InterceptStatus } from '#protocol/resources.ts';
import { nameOf } from './owner.ts';
import type { PodFact } from './pod-facts.ts';
import type { Refusal } from './refusal.ts';
import type { Target } from './target.ts';

/** All that decides how an Intercept is. */
export interface InterceptCase {
  readonly intercept: Intercept;
  readonly target: Target | undefined;
  readonly refusal: Refusal | undefined;
  readonly live: boolean;
  readonly pods: readonly PodFact[];
  /** Pods that are on their way out, with a container that is to be replaced. */
  readonly ending?: number;
  /** While the laptop is gone and its container still aside: when that comes back. */
  readonly asideUntilMs?: number;
  readonly nowMs: number;
  /** When this manager started: until a moment later no agent can have come back. */
  readonly startedMs: number;
  /** NetworkPolicies that keep the workload's agents from the managers, in words. */
  readonly policies: readonly string[];
}

type Verdict = Pick<InterceptStatus, 'state' | 'reason' | 'message'>;

/** The status of an Intercept as the facts are; `since` moves only when the state changes. */
export function interceptStatusOf(one: InterceptCase): InterceptStatus {
  const verdict = judge(one);
  const before = one.intercept.status;
  const since =
    before.state === verdict.state && before.since !== undefined
      ? before.since
      : new Date(one.nowMs).toISOString();
  return {
    ...verdict,
    since,
    ...(one.target === undefined ? {} : describeTarget(one, one.target)),
  };
}

function describeTarget({ pods }: InterceptCase, target: Target): InterceptStatus {
  const podIP = (pods.find((pod) => pod.active) ?? pods[0])?.pod.status.podIP;
  const { servicePort } = target;
  return {
    workloadKind: target.workload.kind,
    ...(target.service === undefined ? {} : { service: target.service }),
    ...(servicePort === undefined
      ? {}
      : {
          servicePort: {
            ...(servicePort.name === undefined ? {} : { name: servicePort.name }),
            port: servicePort.port,
          },
        }),
    severalPorts: target.severalPorts,
    container: target.container,
    ...(target.containerPort === 0
      ? {}
      : { containerPort: target.containerPort, protocol: target.protocol }),
    ...(target.whole === undefined
      ? {}
      : {
          ports: whatIsTaken(target.whole, pods).map(describePort),
        }),
    agents: {
      ready: pods.filter((pod) => pod.active).length,
      wanted: Math.max(pods.length, target.workload.object.spec.replicas),
    },
    ...(podIP === undefined ? {} : { podIP }),
  };
}

/** Not what an agent leaves alone that came into its pod before it could be told. */
function whatIsTaken(
  whole: NonNullable<Target['whole']>,
  pods: readonly PodFact[],
): NonNullable<Target['whole']> {
  const isOld = pods.some(({ able, pod }) => able && pod.spec.agent?.takesReplaced !== true);
  return isOld ? whole.filter(({ protocol }) => protocol === 'TCP') : whole;
}

function describePort({
  name,
  containerPort: port,
  protocol,
  target,
}: NonNullable<Target['whole']>[number]): NonNullable<InterceptStatus['ports']>[number] {
  return { ...(name === undefined ? {} : { name }), port, protocol, target };
}

function judge(one: InterceptCase): Verdict {
  const { intercept, target, refusal, live, pods } = one;
  if (refusal !== undefined) return { state: 'Error', ...refusal };
  const uninjected = pods.find((pod) => pod.asked && !pod.able);
  if (uninjected !== undefined && !pods.some((pod) => pod.active)) {
    return { state: 'Error', ...agentMissing(uninjected) };
  }
  if (!live) {
    return {
      state: 'Disconnected',
      reason: 'LaptopGone',
      message: `${intercept.spec.client} cannot be reached; ${whoAnswers(one)}`,
    };
  }
  if (uninjected !== undefined) return { state: 'Waiting', ...agentMissing(uninjected) };
  if (pods.length === 0) {
    return {
      state: 'Waiting',
      reason: 'NoPods',
      message: `${target === undefined ? 'the workload' : nameOf(target.workload)} has no pods`,
    };
  }
  const silent = silentAgent(one);
  if (silent !== undefined) {
    // A loaded node is slow without anything being wrong: without a reason it is first only said.
    return { state: silent.hopeless ? 'Error' : 'Waiting', ...agentUnreachable(one, silent.pod) };
  }
  return waitingOrActive(one);
}

/** Without its laptop: the app, unless its container is aside. */
function whoAnswers({ intercept, target, pods, asideUntilMs }: InterceptCase): string {
  const mode = modeOf(intercept.spec);
  if (mode !== 'intercept') {
    return mode === 'wiretap' ? 'nothing is copied' : 'its volumes are not to be seen';
  }
  if (asideUntilMs === undefined) {
    const isAside = target?.replaces !== undefined && pods.some((pod) => pod.able);
    return isAside ? `container ${target.replaces} comes back now` : 'the app answers';
  }
  const at = new Date(asideUntilMs).toISOString().slice(11, 19);
  return `nobody answers, until container ${target?.replaces ?? ''} comes back at ${at} UTC`;
}

function waitingOrActive({ target, pods, ending = 0, policies }: InterceptCase): Verdict {
  const replaced = target?.replaces;
  // Pods that are not ready get no requests: they are counted, but waited for only where what they do
  // by themselves counts.
  const serving = pods.filter((pod) => pod.ready || (replaced !== undefined && !pod.able));
  const isDone = replaced === undefined || ending === 0;
  if (isDone && pods.some((pod) => pod.active) && serving.every((pod) => pod.active)) {
    return { state: 'Active' };
  }
  const total = String(pods.length);
  const lacking = pods.filter((pod) => !pod.able);
  if (replaced !== undefined && lacking.length + ending > 0) {
    return {
      state: 'Waiting',
      reason: lacking.length > 0 ? 'ContainersRunning' : 'PodsEnding',
      message: `waiting for ${stillRunning(lacking.length + ending, replaced)}${policies.length === 0 ? '' : `, which ${named(policies)} may keep from the traffic-manager`}`,
    };
  }
  if (lacking.length > 0) {
    return {
      state: 'Waiting',
      reason: 'AgentsMissing',
      // Not every cluster's network heeds policies: it is tried.
      message: `waiting for ${String(lacking.length)} of ${total} pods to get the traffic-agent${policies.length === 0 ? '' : `, which ${named(policies)} may keep from the traffic-manager`}`,
    };
  }
  const idle = pods.filter((pod) => !pod.active);
  const said = idle.find((pod) => pod.message !== '')?.message;
  return {
    state: 'Waiting',
    reason: 'AgentsNotReady',
    message: `waiting for ${String(idle.length)} of ${total} traffic-agents${said === undefined ? '' : `: ${said}`}`,
  };
}

function stillRunning(pods: number, container: string): string {
  return pods === 1
    ? `a pod that still runs container ${container}`
    : `${String(pods)} pods that still run container ${container}`;
}

/** An agent that may is with its manager within this time, counted from times in whole seconds. */
const silentMs = 2000;
/** After this long it will not come any more. */
const hopelessMs = 20_000;
/** After a start of the manager, agents get this long to come back. */
const returnMs = 10_000;

/** The pod of an agent that ought to have come by now and has not, where no other one has. */
function silentAgent({
  intercept,
  pods,
  nowMs,
  startedMs,
  policies,
}: InterceptCase): { readonly pod: PodFact; readonly hopeless: boolean } | undefined {
  const isNew = intercept.status.state === undefined || intercept.status.state === 'Waiting';
  if (!isNew || nowMs - startedMs < returnMs || pods.some((pod) => pod.attached)) return undefined;
  const madeMs = Date.parse(intercept.metadata.creationTimestamp ?? '');
  for (const pod of pods) {
    if (!pod.able) continue;
    const { agentStarted, agentListens, conditions } = pod.pod.status;
    const runsSinceMs = Date.parse(agentStarted ?? '');
    if (policies.length > 0) {
      // What a policy forbids was tried for as long as the agent runs.
      if (nowMs - runsSinceMs >= silentMs) return { pod, hopeless: true };
      continue;
    }
    // The cluster's sleep, or the laptop's, may just have ended. And on a starved node an agent that
    // runs may be far from its first word: one that has told the kubelet that it listens is not.
    const since = (ms: number): number => nowMs - Math.max(madeMs, ms);
    const said = conditions.find(({ type }) => type === 'Ready');
    const readyMs = pod.ready ? since(Date.parse(said?.lastTransitionTime ?? '')) : 0;
    if (readyMs >= silentMs || (agentListens && since(runsSinceMs) >= silentMs)) {
      return { pod, hopeless: readyMs >= hopelessMs };
    }
  }
  return undefined;
}

function agentUnreachable(
  { policies }: InterceptCase,
  { pod }: PodFact,
): Pick<InterceptStatus, 'reason' | 'message'> {
  const { name, namespace } = pod.metadata;
  const why =
    policies.length === 0
      ? `: does a NetworkPolicy of namespace ${namespace}, a firewall or a mesh forbid it?`
      : `, as ${named(policies)} ${policies.length === 1 ? 'does' : 'do'} not let it`;
  return {
    reason: 'AgentUnreachable',
    message: `the traffic-agent in pod ${name} cannot reach the traffic-manager${why}`,
  };
}

function named(policies: readonly string[]): string {
  return `NetworkPolicy ${policies.slice(0, 3).join(' and ')}`;
}

/** The reason where a pod came back without the agent that it asked for. */
export function agentMissing({
  pod,
}: Pick<PodFact, 'pod'>): Pick<InterceptStatus, 'reason' | 'message'> {
  return {
    reason: 'AgentMissing',
    message: `pod ${pod.metadata.name} was made without the traffic-agent: the API server could not reach the webhook agent-injector (delete the pod to try again)`,
  };
}
