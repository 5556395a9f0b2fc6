import * as v from 'valibot';
import type { AgentIdentity } from '#protocol/gen/telepresence_pb.ts';
import type { KubeClient } from '#kube/client.ts';
import { resources } from '#kube/resource.ts';
import type { ResourceWatch } from '#kube/watch.ts';
import { agentAudience } from '#protocol/resources.ts';
import type { PodObject } from '../state/cluster-objects.ts';
import { workloadOfPod } from '../state/owner.ts';
import type { ClusterView } from '../state/view.ts';
import type { Reviewed } from './relay-hub.ts';

// Go writes null for a list that is none.
const tokenReview = v.object({
  status: v.object({
    authenticated: v.nullish(v.boolean(), false),
    audiences: v.nullish(v.array(v.string()), []),
    user: v.nullish(
      v.object({
        username: v.nullish(v.string(), ''),
        extra: v.nullish(v.record(v.string(), v.nullish(v.array(v.string()), [])), {}),
      }),
    ),
    error: v.nullish(v.string(), ''),
  }),
});

interface Deps {
  readonly client: Pick<KubeClient, 'create'>;
  readonly pods: Pick<ResourceWatch<PodObject>, 'until'>;
  readonly view: () => ClusterView;
}

// A pod that has just been made may not have come through the watch yet.
const podMs = 3000;

/**
 * Whose token that is: asked of the API server, for our audience only. Rights follow from the pod
 * that the token is bound to, never from what an agent says of itself.
 */
export async function reviewAgentToken(
  deps: Deps,
  token: string,
  signal: AbortSignal,
): Promise<Reviewed> {
  // The API server takes this for a broken question, not for a bad token.
  if (token === '') return { ok: false, message: 'no token' };
  const { status } = await deps.client.create({
    resource: resources.tokenReviews,
    schema: tokenReview,
    object: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [agentAudience] },
    },
    deadlineMs: 4000,
    signal,
  });
  if (!status.authenticated || !status.audiences.includes(agentAudience)) {
    return { ok: false, message: status.error || 'not a token for the traffic-manager' };
  }
  const bound = boundPod(status.user?.username ?? '', status.user?.extra ?? {});
  if (bound === undefined) return { ok: false, message: 'the token is not bound to a pod' };
  const pod = await findPod(deps, bound, signal);
  if (pod === undefined) return { ok: false, message: 'there is no such pod' };
  if (pod.spec.agent === undefined) {
    return { ok: false, message: 'the pod has no traffic-agent of this traffic-manager' };
  }
  return { ok: true, identity: identityOf(deps.view(), pod) };
}

interface BoundPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

function boundPod(
  username: string,
  extra: Readonly<Record<string, readonly string[]>>,
): BoundPod | undefined {
  const namespace = /^system:serviceaccount:([^:]+):[^:]+$/.exec(username)?.[1];
  const name = extra['authentication.kubernetes.io/pod-name']?.[0];
  const uid = extra['authentication.kubernetes.io/pod-uid']?.[0];
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  return { namespace, name, uid };
}

async function findPod(
  deps: Deps,
  { namespace, name, uid }: BoundPod,
  signal: AbortSignal,
): Promise<PodObject | undefined> {
  const waiting = AbortSignal.any([signal, AbortSignal.timeout(podMs)]);
  try {
    return await deps.pods.until((store) => {
      const pod = store.get(`${namespace}/${name}`);
      return pod?.metadata.uid === uid ? pod : undefined;
    }, waiting);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function identityOf(view: ClusterView, pod: PodObject): AgentIdentity {
  const workload = workloadOfPod(view, pod);
  return {
    $typeName: 'telepresence.v1.AgentIdentity',
    namespace: pod.metadata.namespace,
    pod: pod.metadata.name,
    podUid: pod.metadata.uid,
    workloadKind: workload?.kind ?? '',
    workloadName: workload?.object.metadata.name ?? '',
  };
}
