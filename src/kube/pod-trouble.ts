import * as v from 'valibot';
import type { KubeClient } from './client.ts';
import { resources } from './resource.ts';

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

const podSchema = v.object({
  metadata: v.object({ name: v.string() }),
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

const ordinary: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing']);

/** The first trouble of pods, in the kubelet's or scheduler's own words; undefined without any. */
export async function podTrouble(
  client: KubeClient,
  options: {
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const { namespace, signal } = options;
  const { items } = await client.list({
    resource: resources.pods,
    namespace,
    labelSelector: Object.entries(options.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    schema: podSchema,
    signal,
  });
  for (const { metadata, status } of items) {
    const unscheduled = status.conditions.find(
      ({ type, status }) => type === 'PodScheduled' && status === 'False',
    );
    if (unscheduled !== undefined) return `pod ${metadata.name}: ${unscheduled.message}`;
    for (const { name, state } of [...status.initContainerStatuses, ...status.containerStatuses]) {
      const { waiting, terminated } = state;
      if (waiting !== undefined && !ordinary.has(waiting.reason)) {
        const words = [waiting.reason, waiting.message].filter((word) => word !== '').join(': ');
        return `pod ${metadata.name}, container ${name}: ${words}`;
      }
      if (terminated !== undefined && terminated.exitCode !== 0) {
        return `pod ${metadata.name}, container ${name} ended with ${String(terminated.exitCode)}`;
      }
    }
  }
  return undefined;
}
