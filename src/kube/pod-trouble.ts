import * as v from 'valibot';

const containerSchema = v.object({
  name: v.string(),
  state: v.optional(
    v.object({
      waiting: v.optional(
        v.object({ reason: v.optional(v.string(), ''), message: v.optional(v.string(), '') }),
      ),
      terminated: v.optional(
        v.object({ reason: v.optional(v.string(), ''), exitCode: v.optional(v.number()) }),
      ),
    }),
    {},
  ),
});

/** What is read of a pod to see how it is. */
export const podSchema = v.object({
  metadata: v.object({
    name: v.string(),
    labels: v.optional(v.record(v.string(), v.string()), {}),
    deletionTimestamp: v.optional(v.string()),
  }),
  status: v.object({
    conditions: v.optional(
      v.array(
        v.object({ type: v.string(), status: v.string(), message: v.optional(v.string(), '') }),
      ),
      [],
    ),
    initContainerStatuses: v.optional(v.array(containerSchema), []),
    containerStatuses: v.optional(v.array(containerSchema), []),
  }),
});
export type PodState = v.InferOutput<typeof podSchema>;

/** What keeps a pod from running. */
export interface PodTrouble {
  readonly pod: string;
  readonly container?: string;
  /** In the kubelet's or scheduler's own words. */
  readonly words: string;
  /** It does not go away by itself; a pod without a node may get one. */
  readonly lasting: boolean;
}

const ordinary: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing']);
const lasting: ReadonlySet<string> = new Set([
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'CrashLoopBackOff',
]);
// A first failure to pull may be the network's; these words are a registry's no.
const registrySaysNo = /not found|denied|unauthorized|forbidden|authorization failed/i;

/** The first trouble of one pod; undefined without any. */
export function troubleOf({ metadata, status }: PodState): PodTrouble | undefined {
  const pod = metadata.name;
  const unscheduled = status.conditions.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  if (unscheduled !== undefined) return { pod, words: unscheduled.message, lasting: false };
  for (const { name, state } of [...status.initContainerStatuses, ...status.containerStatuses]) {
    const { waiting, terminated } = state;
    if (waiting !== undefined && !ordinary.has(waiting.reason)) {
      const { reason, message } = waiting;
      const refused = reason === 'ErrImagePull' && registrySaysNo.test(message);
      return {
        pod,
        container: name,
        words: [reason, message].filter((word) => word !== '').join(': '),
        lasting: refused || lasting.has(reason),
      };
    }
    if (terminated !== undefined && terminated.exitCode !== 0) {
      const words = `ended with ${String(terminated.exitCode)}`;
      return { pod, container: name, words, lasting: false };
    }
  }
  return undefined;
}

/** `pod x, container y: ImagePullBackOff: …` */
export function troubleWords({ pod, container, words }: PodTrouble): string {
  return `pod ${pod}${container === undefined ? '' : `, container ${container}`}: ${words}`;
}

/** Labels as a query has them. */
export function labelSelector(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
