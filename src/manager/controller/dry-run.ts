import * as v from 'valibot';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { resources } from '#kube/resource.ts';
import { agentRequestText, type AgentRequest } from '#protocol/agent-config.ts';
import { agentRequestAnnotation, fieldManager } from '#protocol/resources.ts';
import { podObject } from '../state/cluster-objects.ts';
import { nameOf } from '../state/owner.ts';
import type { Workload } from '../state/view.ts';
import type { InjectorConfig } from '../webhook/agent-containers.ts';
import { inject } from '../webhook/inject.ts';
import { requestedPod } from '../webhook/pod-shape.ts';
import { workloadResource } from './resources.ts';

/** What the API server would do with an injected pod. */
export type DryRun =
  | { readonly kind: 'ok' }
  /** Quota, Pod Security or a policy says no. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The webhook would not inject, whatever is asked. */
  | { readonly kind: 'left'; readonly message: string }
  /** The API server did not reach the webhook; `patient`: it may have, had it waited longer. */
  | { readonly kind: 'unreachable'; readonly message: string; readonly patient: boolean }
  /** The pod came back without agent: the API server knows no webhook for it. */
  | { readonly kind: 'unknown' };

const template = v.looseObject({
  metadata: v.optional(
    v.looseObject({
      labels: v.optional(v.record(v.string(), v.string()), {}),
      annotations: v.optional(v.record(v.string(), v.string()), {}),
    }),
    {},
  ),
  spec: v.looseObject({}),
});
const withTemplate = v.object({ spec: v.object({ template }) });

interface Deps {
  readonly client: Pick<KubeClient, 'get' | 'create'>;
  readonly injector: InjectorConfig;
}

/** Asks for a pod of the workload with an agent, by dry run: nothing running is touched. */
export async function dryRunInjection(
  deps: Deps,
  workload: Workload,
  request: AgentRequest,
  signal: AbortSignal,
): Promise<DryRun> {
  const { name, namespace } = workload.object.metadata;
  const resource = workloadResource(workload.kind);
  const { spec } = await deps.client.get({
    resource,
    namespace,
    name,
    schema: withTemplate,
    deadlineMs: 10_000,
    signal,
  });
  const pod = podFrom(spec.template, name, namespace, request);
  const local = inject(v.parse(requestedPod, pod), deps.injector);
  if (local.kind === 'left') {
    return { kind: 'left', message: `${nameOf(workload)} cannot have an agent (${local.reason})` };
  }
  try {
    const answer = await deps.client.create({
      resource: resources.pods,
      namespace,
      schema: podObject,
      object: pod,
      dryRun: true,
      fieldManager,
      deadlineMs: 15_000,
      signal,
    });
    return answer.spec.agent === undefined ? { kind: 'unknown' } : { kind: 'ok' };
  } catch (error) {
    const failure = isKubeError(error) ? ownWebhookFailure(error.message) : undefined;
    if (failure !== undefined) {
      const patient = /deadline exceeded|Timeout|timed out/i.test(failure);
      return { kind: 'unreachable', message: failure, patient };
    }
    if (isKubeError(error, 'Forbidden', 'Invalid', 'TooManyRequests')) {
      return { kind: 'refused', message: error.message };
    }
    throw error;
  }
}

/** The API server's words about our webhook: what it met behind the address that it called. */
function ownWebhookFailure(message: string): string | undefined {
  const [, words] = /failed calling webhook "agent-injector-[^"]*": (.*)/s.exec(message) ?? [];
  return words?.replace(/^failed to call webhook: /, '').replace(/^Post "[^"]*": /, '');
}

function podFrom(
  { metadata, spec }: v.InferOutput<typeof template>,
  workload: string,
  namespace: string,
  request: AgentRequest,
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${workload}-`,
      namespace,
      labels: metadata.labels,
      annotations: { ...metadata.annotations, [agentRequestAnnotation]: agentRequestText(request) },
    },
    spec,
  };
}
