import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { resources } from '#kube/resource.ts';
import type { ResourceWatch } from '#kube/watch.ts';
import { agentRequestText, type AgentRequest } from '#protocol/agent-config.ts';
import { agentRequestAnnotation, fieldManager } from '#protocol/resources.ts';
import type { PodObject } from '../state/cluster-objects.ts';
import { requestOf } from '../state/injected.ts';
import type { InjectionNeed } from '../state/injection-need.ts';
import { nameOf } from '../state/owner.ts';
import {
  found,
  refused,
  type Outcome,
  type Refusal,
  type RefusalReason,
} from '../state/refusal.ts';
import type { ClusterView, Workload } from '../state/view.ts';
import type { InjectorConfig } from '../webhook/agent-containers.ts';
import { dryRunInjection, type DryRun } from './dry-run.ts';
import { recreatePods } from './recreate-pods.ts';
import { workloadResource } from './resources.ts';

interface Deps {
  readonly client: Pick<KubeClient, 'find' | 'get' | 'create' | 'patch'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pods: Pick<ResourceWatch<PodObject>, 'until'>;
  readonly view: () => ClusterView;
  readonly injector: InjectorConfig;
  /** The name of the webhook's configuration. */
  readonly configuration: string;
  /** A refusal came or went. */
  readonly onChange: () => void;
}

/** Brings agents into the pods of workloads, one task a workload. */
export interface Injector {
  /** Starts what is needed; what is under way goes on. */
  need(needs: ReadonlyMap<string, InjectionNeed>): void;
  /** Why it was not possible, by the UID of the Intercept that wants it. */
  readonly refusals: ReadonlyMap<string, Refusal>;
}

interface Task {
  /** What is wanted. */
  readonly key: string;
  readonly stop: AbortController;
}

// The API server learns of a webhook, and of its CA, within a second or so.
const reachTries = 5;
const reachMs = 300;
const retryMs = 15_000;

/** An injector without work. */
export function createInjector(deps: Deps, signal: AbortSignal): Injector {
  const refusals = new Map<string, Refusal>();
  /** By workload UID: what is being done, or was tried in vain and not long ago. */
  const tasks = new Map<string, Task>();

  const run = async (uid: string, task: Task, need: InjectionNeed): Promise<void> => {
    const { key, stop } = task;
    const log = deps.log.child({ workload: nameOf(need.workload) });
    const running = AbortSignal.any([signal, stop.signal]);
    try {
      const refusal = await carryOut({ ...deps, log }, need, running);
      for (const intercept of need.interceptUids) {
        if (refusal === undefined) refusals.delete(intercept);
        else refusals.set(intercept, refusal);
      }
      if (refusal !== undefined) log.warning('agent refused', { reason: refusal.message });
      if (refusal === undefined && !need.recreateOnly) {
        if (tasks.get(uid) === task) tasks.delete(uid);
        return;
      }
    } catch (error) {
      if (running.aborted) return;
      log.error('injection failed', { reason: describe(error) });
      const refusal = { reason: 'InjectionRefused', message: describe(error) } as const;
      for (const intercept of need.interceptUids) refusals.set(intercept, refusal);
    }
    deps.clock.after(retryMs, () => {
      if (tasks.get(uid)?.key === key) tasks.delete(uid);
      deps.onChange();
    });
  };

  return {
    refusals,
    need(needs) {
      const wanting = new Set([...needs.values()].flatMap((need) => need.interceptUids));
      for (const uid of refusals.keys()) if (!wanting.has(uid)) refusals.delete(uid);
      for (const [uid, need] of needs) {
        const { requests, recreateOnly, interceptUids, restore } = need;
        const key = JSON.stringify([requests, recreateOnly, interceptUids, restore]);
        const before = tasks.get(uid);
        if (before?.key === key) continue;
        // Two that make pods anew, each after its own wish, would never end.
        before?.stop.abort(new Error('something else is wanted'));
        const task: Task = { key, stop: new AbortController() };
        tasks.set(uid, task);
        void run(uid, task, need).finally(deps.onChange);
      }
    },
  };
}

/** Does what is needed for one workload; returns why it cannot be done. */
async function carryOut(
  deps: Deps,
  need: InjectionNeed,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  if (need.restore === undefined) return await bringAgents(deps, need, signal);
  const { workload, restore } = need;
  await annotate(deps, workload, restore.request, signal);
  deps.log.info('containers come back');
  await recreate(deps, workload, restore.request, signal);
  return undefined;
}

/** Nothing but us rolls a ReplicaSet; Deployments and StatefulSets do it by themselves. */
async function recreate(
  deps: Deps,
  workload: Workload,
  request: AgentRequest | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (workload.kind !== 'ReplicaSet') return;
  const wanted = request && agentRequestText(request);
  const isOld = ({ metadata }: PodObject): boolean => {
    const made = requestOf(metadata.annotations);
    return (made && agentRequestText(made)) !== wanted;
  };
  await recreatePods(deps, { workload, isOld, signal });
}

/** Has agents brought into the pods; returns why it cannot be. */
async function bringAgents(
  deps: Deps,
  need: InjectionNeed,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const { workload } = need;
  let request = need.recreateOnly ? need.requests[0] : undefined;
  if (request === undefined) {
    const chosen = await chooseRequest(deps, need, signal);
    if (!chosen.ok) return chosen.refusal;
    request = chosen.value;
    await annotate(deps, workload, request, signal);
    deps.log.info('agent requested', { take: request.take });
  }
  await recreate(deps, workload, request, signal);
  return undefined;
}

/** The first request with which the API server would let a pod in. */
async function chooseRequest(
  deps: Deps,
  need: InjectionNeed,
  signal: AbortSignal,
): Promise<Outcome<AgentRequest>> {
  const { workload } = need;
  const { namespace } = workload.object.metadata;
  let why = `namespace ${namespace} does not allow the init container with NET_ADMIN that a numeric port needs; give the port a name and let the Service's targetPort name it, or let its container step aside (--replace)`;
  let reason: RefusalReason = 'InjectionRefused';
  for (const request of need.requests) {
    const outcome = await untilReached(deps, workload, request, signal);
    switch (outcome.kind) {
      case 'ok':
        return found(request);
      case 'left':
        return refused('InjectionRefused', outcome.message);
      case 'unreachable':
        return refused(
          'WebhookUnreachable',
          `the API server does not reach the webhook agent-injector of the traffic-manager (${outcome.message}), so no pod was touched`,
        );
      case 'gone':
        return refused(
          'WebhookMissing',
          `the MutatingWebhookConfiguration ${deps.configuration} is gone, so no pod was touched`,
        );
      case 'unknown':
        return refused(
          'WebhookMissing',
          `the MutatingWebhookConfiguration ${deps.configuration} does not select namespace ${namespace}, so no pod was touched`,
        );
      case 'refused':
        why = outcome.message;
        if (why.includes('exceeded quota')) reason = 'QuotaExceeded';
    }
  }
  return refused(reason, `${nameOf(workload)} with a traffic-agent would not be let in: ${why}`);
}

async function untilReached(
  deps: Deps,
  workload: Workload,
  request: AgentRequest,
  signal: AbortSignal,
): Promise<DryRun | { readonly kind: 'gone' }> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await dryRunInjection(deps, workload, request, signal);
    // What is not there will not be learned of.
    if (outcome.kind === 'unknown' && !(await hasWebhook(deps, signal))) return { kind: 'gone' };
    // What timed out has cost the user seconds already; what is refused may be known in a moment.
    const again =
      outcome.kind === 'unknown' || (outcome.kind === 'unreachable' && !outcome.patient);
    if (!again || tries === reachTries) return outcome;
    await deps.clock.sleep(reachMs, signal);
  }
}

async function hasWebhook(
  deps: Pick<Deps, 'client' | 'configuration'>,
  signal: AbortSignal,
): Promise<boolean> {
  const name = deps.configuration;
  const resource = resources.mutatingWebhookConfigurations;
  const found = await deps.client.find({ resource, name, schema: kubeObjectSchema, signal });
  return found !== undefined;
}

async function annotate(
  deps: Pick<Deps, 'client'>,
  workload: Workload,
  request: AgentRequest | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, uid } = workload.object.metadata;
  const text = request === undefined ? null : agentRequestText(request);
  const annotations = { [agentRequestAnnotation]: text };
  await deps.client.patch({
    resource: workloadResource(workload.kind),
    namespace,
    name,
    type: 'merge',
    patch: { metadata: { uid }, spec: { template: { metadata: { annotations } } } },
    schema: v.unknown(),
    fieldManager,
    deadlineMs: 10_000,
    signal,
  });
}
