import * as v from 'valibot';
import { silentLogger } from '#base/log.ts';
import { DeadlineError, withDeadline } from '#base/wait.ts';
import { isKubeError, KubeError } from './errors.ts';
import type { ObjectSchema } from './objects.ts';
import {
  labelSelector,
  podSchema,
  troubleOf,
  troubleWords,
  type PodTrouble,
} from './pod-trouble.ts';
import { resources, type Resource } from './resource.ts';
import { conditionsSchema, type WaitDeps, type WaitOptions } from './wait-ready.ts';
import { watchResources, type ResourceWatch } from './watch.ts';

const revisionAnnotation = 'deployment.kubernetes.io/revision';
const hashLabel = 'pod-template-hash';
// One from before may still stand when the wait begins; a controller that tries again takes it away.
const refusedMs = 4000;

const metadata = v.object({
  generation: v.optional(v.number(), 0),
  labels: v.optional(v.record(v.string(), v.string()), {}),
  annotations: v.optional(v.record(v.string(), v.string()), {}),
});
const replicaSetSchema = v.object({
  metadata,
  status: v.optional(v.object({ conditions: conditionsSchema }), { conditions: [] }),
});
type ReplicaSet = v.InferOutput<typeof replicaSetSchema>;
const deploymentSchema = v.object({
  metadata,
  spec: v.object({
    replicas: v.optional(v.number(), 1),
    selector: v.object({ matchLabels: v.optional(v.record(v.string(), v.string()), {}) }),
  }),
  status: v.object({
    observedGeneration: v.optional(v.number(), 0),
    replicas: v.optional(v.number(), 0),
    updatedReplicas: v.optional(v.number(), 0),
    availableReplicas: v.optional(v.number(), 0),
    conditions: conditionsSchema,
  }),
});
type Deployment = v.InferOutput<typeof deploymentSchema>;

interface RolloutOptions extends WaitOptions {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Waits until every pod of a Deployment is of its latest template and available. What will not go
 * away by itself (no such image, a quota, Pod Security, a program that ends) is thrown at once.
 */
export async function waitForDeployment(deps: WaitDeps, options: RolloutOptions): Promise<void> {
  const { namespace, name, deadlineMs, signal } = options;
  const what = `deployment ${namespace}/${name}`;
  let words = 'not seen yet';
  const said = new Set<string>();
  const say = (next: string): void => {
    words = next;
    if (!said.has(next)) options.onProgress?.(next);
    said.add(next);
  };
  try {
    await withDeadline(deps, { ms: deadlineMs, what, signal }, async (waiting) => {
      await watchRollout(deps, options, { what, say, waiting });
    });
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    const seconds = String(Math.round(deadlineMs / 1000));
    throw new KubeError('Unavailable', `${what}: ${words} after ${seconds} s`, { cause: error });
  }
}

async function watchRollout(
  deps: WaitDeps,
  { namespace, name }: RolloutOptions,
  rollout: {
    readonly what: string;
    readonly say: (words: string) => void;
    readonly waiting: AbortSignal;
  },
): Promise<void> {
  const { what, say, waiting } = rollout;
  const end = Promise.withResolvers<undefined>();
  end.promise.catch(() => {});
  waiting.addEventListener('abort', () => end.reject(waiting.reason), { once: true });
  let refusedSince: number | undefined;
  let check = (): void => {};
  await using stack = new AsyncDisposableStack();
  const watch = async <T>(
    resource: Resource,
    schema: ObjectSchema<T>,
    where: { readonly fieldSelector?: string; readonly labelSelector?: string },
  ): Promise<ResourceWatch<T>> => {
    const one = stack.use(
      watchResources(
        { ...deps, log: silentLogger },
        { ...where, resource, namespace, schema, signal: waiting, onChange: () => check() },
      ),
    );
    await one.synced(waiting).catch((error: unknown) => {
      // Who may not look at pods still sees the Deployment.
      if (resource === resources.deployments || !isKubeError(error, 'Forbidden')) throw error;
    });
    return one;
  };

  const deployments = await watch(resources.deployments, deploymentSchema, {
    fieldSelector: `metadata.name=${name}`,
  });
  if (deployments.store.size === 0) say('does not exist');
  const { spec } = await deployments.until((store) => [...store.values()][0], waiting);
  const selected = { labelSelector: labelSelector(spec.selector.matchLabels) };
  const sets = await watch(resources.replicaSets, replicaSetSchema, selected);
  const pods = await watch(resources.pods, podSchema, selected);

  const failure = async (words: string, trouble?: PodTrouble): Promise<void> => {
    const said =
      trouble?.container === undefined
        ? ''
        : await lastWords(deps, { namespace, ...trouble, signal: waiting });
    end.reject(new KubeError('Unavailable', `${what}: ${words}${said}`));
  };
  check = () => {
    const [deployment] = deployments.store.values();
    if (deployment === undefined) return;
    const revision = deployment.metadata.annotations[revisionAnnotation];
    const latest = [...sets.store.values()].find(
      (set) => set.metadata.annotations[revisionAnnotation] === revision,
    );
    const missing = missingOf(deployment, latest);
    if (missing === undefined) {
      end.resolve(undefined);
      return;
    }
    say(missing.words);
    refusedSince = missing.refused ? (refusedSince ?? deps.clock.monotonic()) : undefined;
    if (refusedSince !== undefined && deps.clock.monotonic() - refusedSince >= refusedMs) {
      void failure(missing.words);
      return;
    }
    // Until its controller has seen it, its pods are those of the template before.
    if (deployment.status.observedGeneration < deployment.metadata.generation) return;
    const hash = latest?.metadata.labels[hashLabel];
    for (const pod of pods.store.values()) {
      if (pod.metadata.deletionTimestamp !== undefined || pod.metadata.labels[hashLabel] !== hash) {
        continue;
      }
      const trouble = troubleOf(pod);
      if (trouble === undefined) continue;
      say(troubleWords(trouble));
      if (trouble.lasting) void failure(troubleWords(trouble), trouble);
      return;
    }
  };
  using _again = deps.clock.every(1000, () => check());
  check();
  await end.promise;
}

/** Makes the controllers of a Deployment look at it again now, rather than after their back-off. */
export async function nudgeDeployment(
  { client, clock }: Pick<WaitDeps, 'client' | 'clock'>,
  options: { readonly namespace: string; readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  const annotations = { 'intercept.telepresence.io/retried': new Date(clock.now()).toISOString() };
  await client.patch({
    ...options,
    resource: resources.deployments,
    type: 'merge',
    patch: { metadata: { annotations } },
    schema: v.unknown(),
    fieldManager: 'telepresence-retry',
  });
}

/** The last line that a container which ended has written. */
async function lastWords(
  { client }: Pick<WaitDeps, 'client'>,
  options: {
    readonly namespace: string;
    readonly pod: string;
    readonly container?: string;
    readonly words: string;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const { namespace, pod, container = '', words, signal } = options;
  if (!words.startsWith('CrashLoopBackOff')) return '';
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log?container=${container}&previous=true&tailLines=1`;
  try {
    const text = await client.raw({ method: 'GET', path, what: `log of pod ${pod}`, signal });
    return text.trim() === '' ? '' : `; its last words: ${text.trim()}`;
  } catch {
    return '';
  }
}

function missingOf(
  { metadata: { generation }, spec, status }: Deployment,
  latest: ReplicaSet | undefined,
): { readonly words: string; readonly refused: boolean } | undefined {
  const words = (said: string) => ({ words: said, refused: false });
  if (status.observedGeneration < generation) return words('waits for its controller');
  // The Deployment also repeats what a ReplicaSet of the template before was refused.
  const failure = (latest ?? { status }).status.conditions.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  );
  if (failure !== undefined) {
    return { words: `pods cannot be created: ${failure.message}`, refused: true };
  }
  const wanted = String(spec.replicas);
  if (status.updatedReplicas < spec.replicas) {
    return words(`${String(status.updatedReplicas)} of ${wanted} pods created`);
  }
  if (status.availableReplicas < spec.replicas) {
    return words(`${String(status.availableReplicas)} of ${wanted} pods available`);
  }
  if (status.replicas > status.updatedReplicas) {
    return words(`${String(status.replicas - status.updatedReplicas)} old pods end`);
  }
  return undefined;
}
