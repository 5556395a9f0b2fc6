import * as v from 'valibot';
import { agentRedirectPort } from '#protocol/agent-config.ts';
import type { InjectorConfig } from './agent-containers.ts';
import { inject, patchBetween, type LeftReason } from './inject.ts';
import { requestedPod } from './pod-shape.ts';

const admissionReview = v.looseObject({
  apiVersion: v.literal('admission.k8s.io/v1'),
  kind: v.literal('AdmissionReview'),
  request: v.looseObject({
    uid: v.string(),
    namespace: v.optional(v.string(), ''),
    dryRun: v.optional(v.boolean(), false),
    object: v.unknown(),
  }),
});

/** An answer to the API server, and what was done, for the log. */
export interface Reviewed {
  readonly answer: unknown;
  readonly namespace: string;
  readonly pod: string;
  readonly dryRun: boolean;
  readonly outcome: 'injected' | LeftReason | 'NotAPod';
}

/** Answers one AdmissionReview; undefined when `body` is none. A pod is never refused. */
export function review(body: unknown, config: InjectorConfig): Reviewed | undefined {
  const parsed = v.safeParse(admissionReview, body);
  if (!parsed.success) return undefined;
  const { apiVersion, kind, request } = parsed.output;
  const { namespace, dryRun } = request;
  const answer = (more: object): unknown => ({
    apiVersion,
    kind,
    response: { uid: request.uid, allowed: true, ...more },
  });
  const pod = v.safeParse(requestedPod, request.object);
  if (!pod.success) {
    return { answer: answer({}), namespace, pod: '', dryRun, outcome: 'NotAPod' };
  }
  const name = pod.output.metadata.name ?? pod.output.metadata.generateName ?? '';
  const result = inject(pod.output, config);
  if (result.kind === 'left') {
    const warnings = warningFor(result.reason);
    return {
      answer: answer(warnings === undefined ? {} : { warnings: [warnings] }),
      namespace,
      pod: name,
      dryRun,
      outcome: result.reason,
    };
  }
  const patch = JSON.stringify(patchBetween(pod.output, result.pod));
  return {
    answer: answer({ patchType: 'JSONPatch', patch: Buffer.from(patch).toString('base64') }),
    namespace,
    pod: name,
    dryRun,
    outcome: 'injected',
  };
}

/** What whoever makes the pod should read. */
function warningFor(reason: LeftReason): string | undefined {
  switch (reason) {
    case 'HostNetwork':
      return 'telepresence: no traffic-agent, because the pod uses the node’s network';
    case 'ForeignAgent':
      return 'telepresence: no traffic-agent, because the pod has another one already';
    case 'NoSuchPorts':
      return 'telepresence: no traffic-agent, because the pod has none of the ports that it is to take';
    case 'PortInUse':
      return `telepresence: no traffic-agent, because a container uses port ${String(agentRedirectPort)}`;
    case 'BadRequest':
      return 'telepresence: no traffic-agent, because the annotation cannot be read';
    case 'AlreadyInjected':
    case 'Disabled':
    case 'NotAsked':
    default:
      return undefined;
  }
}
