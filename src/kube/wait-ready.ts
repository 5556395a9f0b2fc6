import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { DeadlineError, withDeadline } from '#base/wait.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import { kubeObjectSchema, type ObjectSchema } from './objects.ts';
import { resources, type Resource } from './resource.ts';
import { watchResources } from './watch.ts';

export interface WaitDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
}

/** How long, and whom to tell what is waited for. */
export interface WaitOptions {
  readonly deadlineMs: number;
  /** What is waited for now, each time that changes: `1 of 2 pods available`. */
  readonly onProgress?: (words: string) => void;
  readonly signal: AbortSignal;
}

/** Nothing when it is ready, else what is missing. */
type Look<T> = (objects: readonly T[]) => string | undefined;

async function waitFor<T>(
  deps: WaitDeps,
  options: WaitOptions & {
    readonly what: string;
    readonly resource: Resource;
    readonly namespace?: string;
    readonly fieldSelector?: string;
    readonly labelSelector?: string;
    readonly schema: ObjectSchema<T>;
    readonly look: Look<T>;
  },
): Promise<void> {
  const { what, look, deadlineMs, signal } = options;
  let words = 'not seen yet';
  try {
    await withDeadline(deps, { ms: deadlineMs, what, signal }, async (waiting) => {
      await using watch = watchResources(
        { ...deps, log: silentLogger },
        { ...options, signal: waiting },
      );
      await watch.synced(waiting);
      await watch.until((store) => {
        const missing = look([...store.values()]);
        if (missing === undefined) return true;
        if (missing !== words) options.onProgress?.(missing);
        words = missing;
        return undefined;
      }, waiting);
    });
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    const seconds = String(Math.round(deadlineMs / 1000));
    throw new KubeError('Unavailable', `${what}: ${words} after ${seconds} s`, { cause: error });
  }
}

/** An object's conditions. */
export const conditionsSchema = v.optional(
  v.array(
    v.object({
      type: v.string(),
      status: v.string(),
      message: v.optional(v.string(), ''),
    }),
  ),
  [],
);

const crdSchema = v.object({ status: v.optional(v.object({ conditions: conditionsSchema })) });

/** Waits until objects of a CustomResourceDefinition can be written. */
export async function waitForCrd(
  deps: WaitDeps,
  options: WaitOptions & { readonly name: string },
): Promise<void> {
  await waitFor(deps, {
    ...options,
    what: `custom resource ${options.name}`,
    resource: resources.customResourceDefinitions,
    fieldSelector: `metadata.name=${options.name}`,
    schema: crdSchema,
    look: ([crd]) => {
      const conditions = crd?.status?.conditions ?? [];
      const refused = conditions.find(
        ({ type, status }) => type === 'NamesAccepted' && status === 'False',
      );
      if (refused !== undefined) return `its names are taken: ${refused.message}`;
      const served = conditions.some(
        ({ type, status }) => type === 'Established' && status === 'True',
      );
      return served ? undefined : 'not served yet';
    },
  });
}

const sliceSchema = v.object({
  endpoints: v.nullish(
    v.array(
      v.object({
        conditions: v.optional(v.object({ ready: v.nullish(v.boolean()) }), {}),
      }),
    ),
    [],
  ),
});

/** Waits until a Service (a webhook's, the manager's) has a ready pod behind it. */
export async function waitForService(
  deps: WaitDeps,
  options: WaitOptions & { readonly namespace: string; readonly name: string },
): Promise<void> {
  const { namespace, name } = options;
  await waitFor(deps, {
    ...options,
    what: `service ${namespace}/${name}`,
    resource: resources.endpointSlices,
    labelSelector: `kubernetes.io/service-name=${name}`,
    schema: sliceSchema,
    look: (slices) =>
      slices.some((slice) => slice.endpoints?.some(({ conditions }) => conditions.ready !== false))
        ? undefined
        : 'no ready pod behind it',
  });
}

/** Waits until an object is gone, its grace period included. */
export async function waitUntilGone(
  deps: WaitDeps,
  options: WaitOptions & {
    readonly resource: Resource;
    readonly namespace?: string;
    readonly name: string;
  },
): Promise<void> {
  await waitFor(deps, {
    ...options,
    what: `end of ${options.resource.kind.toLowerCase()} ${options.name}`,
    fieldSelector: `metadata.name=${options.name}`,
    schema: kubeObjectSchema,
    look: (objects) => (objects.length === 0 ? undefined : 'still there'),
  });
}
