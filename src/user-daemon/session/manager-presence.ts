import * as v from 'valibot';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { resources } from '#kube/resource.ts';
import { servedAnnotation } from '#protocol/resources.ts';
import { UserDaemonError } from '../errors.ts';

/** Whether there is a traffic-manager that could answer. `unknown`: we may not look. */
export type ManagerPresence =
  | { readonly kind: 'ready' | 'unknown' }
  | {
      readonly kind: 'absent';
      /** The version of a Telepresence that is not ours, in the same place. */
      readonly peer: string | undefined;
      /** Where ours are instead, as far as we may look. */
      readonly elsewhere: readonly string[];
    }
  | { readonly kind: 'notReady'; readonly why: string }
  | {
      /** It is one for other namespaces than the connected one. */
      readonly kind: 'notServed';
      readonly served: readonly string[];
      /** Where one is that serves it, as far as we may look. */
      readonly by: string | undefined;
    };

/** The manager's Service, and the label of its pods. */
export const managerService = 'traffic-manager';
const podLabel = 'app=traffic-manager';

const podSchema = v.looseObject({
  metadata: v.looseObject({ name: v.string(), deletionTimestamp: v.optional(v.string()) }),
  status: v.optional(
    v.looseObject({
      phase: v.optional(v.string(), 'Unknown'),
      conditions: v.optional(v.array(v.looseObject({ type: v.string(), status: v.string() })), []),
      containerStatuses: v.optional(
        v.array(
          v.looseObject({
            state: v.optional(
              v.looseObject({
                waiting: v.optional(
                  v.looseObject({
                    reason: v.optional(v.string(), ''),
                    message: v.optional(v.string(), ''),
                  }),
                ),
              }),
            ),
          }),
        ),
        [],
      ),
    }),
    {},
  ),
});
type ManagerPod = v.InferOutput<typeof podSchema>;

const serviceSchema = v.looseObject({
  metadata: v.looseObject({
    namespace: v.optional(v.string(), ''),
    labels: v.optional(v.record(v.string(), v.string()), {}),
    annotations: v.optional(v.record(v.string(), v.string()), {}),
  }),
  spec: v.optional(v.looseObject({ clusterIP: v.optional(v.string(), '') }), {}),
});
type ManagerService = v.InferOutput<typeof serviceSchema>;

/** The other Telepresence's Service of the same name: its chart's, or headless. */
function isPeers({ metadata, spec }: ManagerService): boolean {
  return (
    (metadata.labels['helm.sh/chart']?.startsWith('telepresence') ?? false) ||
    spec.clusterIP === 'None'
  );
}

/** What a manager serves; undefined: everything. */
function servedBy({ metadata }: ManagerService): readonly string[] | undefined {
  return metadata.annotations[servedAnnotation]?.split(',');
}

/** The managers of ours in the cluster; none where we may not look. */
async function otherManagers(
  client: Pick<KubeClient, 'list'>,
  signal: AbortSignal,
): Promise<readonly ManagerService[]> {
  try {
    const { items } = await client.list({
      resource: resources.services,
      fieldSelector: `metadata.name=${managerService}`,
      schema: serviceSchema,
      signal,
    });
    return items.filter((one) => !isPeers(one));
  } catch (error) {
    if (isKubeError(error)) return [];
    throw error;
  }
}

/** That there is no manager of ours, with what there is instead. */
export function notInstalled(presence: ManagerPresence, managerNamespace: string): UserDaemonError {
  const { peer, elsewhere = [] } = presence.kind === 'absent' ? presence : { peer: undefined };
  const [other] = elsewhere;
  const found = [
    ...(peer === undefined ? [] : [`where another Telepresence's is (${peer})`]),
    ...(elsewhere.length === 0 ? [] : [`but in ${elsewhere.join(', ')}`]),
  ].join(', ');
  const hint =
    other === undefined
      ? peer === undefined
        ? {}
        : {
            hint: 'install ours beside it, in another namespace: telepresence helm install -n NAMESPACE',
          }
      : { hint: `connect by it: telepresence connect --manager-namespace ${other}` };
  return new UserDaemonError('ManagerNotInstalled', 'there is no Service of ours', {
    facts: { managerNamespace, ...(found === '' ? {} : { other: found }), ...hint },
  });
}

/** That the manager is there for other namespaces. */
export function notServed(
  { served, by }: Extract<ManagerPresence, { kind: 'notServed' }>,
  namespace: string,
  managerNamespace: string,
): UserDaemonError {
  const hint =
    by === undefined
      ? `choose one that it serves: telepresence connect -n NAMESPACE, or have it serve this one: telepresence helm upgrade -n ${managerNamespace} --set 'namespaces={${[...served, namespace].join(',')}}'`
      : `connect by the one that does: telepresence connect --manager-namespace ${by}`;
  return new UserDaemonError('NamespaceNotServed', 'it is a manager of other namespaces', {
    facts: { managerNamespace, namespace, served: served.join(', '), hint },
  });
}

/** Looks at the manager's Service and pods, so that a wait for it is no guess. */
export async function managerPresence(
  client: Pick<KubeClient, 'find' | 'list'>,
  options: {
    readonly namespace: string;
    /** The one that is to be connected. */
    readonly connected: string;
    readonly signal: AbortSignal;
  },
): Promise<ManagerPresence> {
  const { namespace, connected, signal } = options;
  try {
    const service = await client.find({
      resource: resources.services,
      namespace,
      name: managerService,
      schema: serviceSchema,
      signal,
    });
    if (service === undefined || isPeers(service)) {
      const others = await otherManagers(client, signal);
      const elsewhere = others.map(({ metadata }) => metadata.namespace);
      const peer = service?.metadata.labels['app.kubernetes.io/version'] ?? 'of another version';
      return { kind: 'absent', peer: service === undefined ? undefined : peer, elsewhere };
    }
    const served = servedBy(service);
    if (served !== undefined && !served.includes(connected)) {
      const others = await otherManagers(client, signal);
      const serves = (one: ManagerService): boolean => servedBy(one)?.includes(connected) ?? true;
      return { kind: 'notServed', served, by: others.find(serves)?.metadata.namespace };
    }
  } catch (error) {
    if (isKubeError(error, 'Forbidden')) return { kind: 'unknown' };
    throw error;
  }
  try {
    const { items } = await client.list({
      resource: resources.pods,
      namespace,
      labelSelector: podLabel,
      schema: podSchema,
      signal,
    });
    return judge(items);
  } catch (error) {
    if (isKubeError(error, 'Forbidden')) return { kind: 'unknown' };
    throw error;
  }
}

function judge(pods: readonly ManagerPod[]): ManagerPresence {
  const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (alive.some(isReady)) return { kind: 'ready' };
  const [pod] = alive;
  if (pod === undefined) return { kind: 'notReady', why: 'it has no pods' };
  const waiting = pod.status.containerStatuses
    .map(({ state }) => state?.waiting)
    .find((state) => state !== undefined);
  const state =
    waiting === undefined
      ? pod.status.phase
      : [waiting.reason, waiting.message].filter((text) => text !== '').join(': ');
  return { kind: 'notReady', why: `pod ${pod.metadata.name} is ${state}` };
}

function isReady({ status }: ManagerPod): boolean {
  return status.conditions.some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
}
