import * as v from 'valibot';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import { resources } from './resource.ts';
import type { ServiceTarget } from './upgrade.ts';

const serviceSchema = v.object({
  spec: v.object({
    selector: v.optional(v.record(v.string(), v.string())),
    ports: v.optional(
      v.array(
        v.object({
          name: v.optional(v.string()),
          port: v.number(),
          targetPort: v.optional(v.union([v.number(), v.string()])),
        }),
      ),
      [],
    ),
  }),
});

const podSchema = v.object({
  metadata: v.object({ name: v.string(), deletionTimestamp: v.optional(v.string()) }),
  spec: v.object({
    containers: v.array(
      v.object({
        ports: v.optional(
          v.array(v.object({ name: v.optional(v.string()), containerPort: v.number() })),
          [],
        ),
      }),
    ),
  }),
  status: v.object({
    conditions: v.optional(v.array(v.object({ type: v.string(), status: v.string() })), []),
  }),
});
type Pod = v.InferOutput<typeof podSchema>;

/** A ready pod behind a Service, and the number of the port that the Service's port means there. */
export async function findServicePod(
  deps: { readonly client: KubeClient; readonly random: () => number },
  target: ServiceTarget,
  signal: AbortSignal,
): Promise<{ readonly pod: string; readonly port: number }> {
  const { namespace, service, portName } = target;
  const what = `service ${namespace}/${service}`;
  const { spec } = await deps.client.get({
    resource: resources.services,
    namespace,
    name: service,
    schema: serviceSchema,
    signal,
  });
  const port = spec.ports.find(({ name }) => name === portName);
  if (port === undefined || spec.selector === undefined) {
    throw new KubeError('NotFound', `${what} has no selector, or no port ${portName}`);
  }
  const { items } = await deps.client.list({
    resource: resources.pods,
    namespace,
    labelSelector: Object.entries(spec.selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    schema: podSchema,
    signal,
  });
  const ready = items.filter(isReady);
  const pod = ready[Math.floor(deps.random() * ready.length)];
  if (pod === undefined) {
    throw new KubeError(
      'Unavailable',
      `${what} has no ready pod (${String(items.length)} not ready)`,
    );
  }
  return { pod: pod.metadata.name, port: portIn(pod, port.targetPort ?? port.port, what) };
}

function isReady(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined &&
    pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  );
}

function portIn(pod: Pod, wanted: number | string, what: string): number {
  if (typeof wanted === 'number') return wanted;
  const named = pod.spec.containers
    .flatMap(({ ports }) => ports)
    .find(({ name }) => name === wanted);
  if (named !== undefined) return named.containerPort;
  throw new KubeError('NotFound', `${what}: pod ${pod.metadata.name} has no port named ${wanted}`);
}
