import * as v from 'valibot';
import type { GetOptions, KubeClient } from './client.ts';
import { isKubeError, KubeError } from './errors.ts';
import { describeManifest, inApplyOrder, isKept, manifestKey, type Manifest } from './manifest.ts';
import type { Resource } from './resource.ts';
import type { ResourceFinder } from './resource-finder.ts';
import { managedFields, takenFromHelm } from './take-over.ts';
import { waitForCrd, type WaitDeps } from './wait-ready.ts';

/** One step that was done. */
export interface ApplyStep {
  readonly did: 'created' | 'configured' | 'unchanged' | 'removed' | 'kept';
  /** `Deployment ambassador/traffic-manager` */
  readonly what: string;
}

export interface ApplyDeps extends WaitDeps {
  readonly finder: ResourceFinder;
}

interface ApplyOptions {
  readonly manifests: readonly Manifest[];
  /** What the release before this one had: what is no longer wanted of it is removed. */
  readonly previous?: readonly Manifest[];
  readonly fieldManager: string;
  readonly onStep?: (step: ApplyStep) => void;
  /** What may be left as it is where it is there and we have no right to change it. */
  readonly mayStay?: (manifest: Manifest) => boolean;
  readonly signal: AbortSignal;
}

const crdMs = 30_000;

/**
 * Makes the cluster have `manifests` by server-side apply, in the order in which they need one
 * another, and then removes what `previous` had beside them. Doing it twice changes nothing.
 */
export async function applyManifests(deps: ApplyDeps, options: ApplyOptions): Promise<void> {
  const { manifests, previous = [], signal } = options;
  for (const manifest of inApplyOrder(manifests)) {
    const did = await applyOne(deps, options, manifest);
    options.onStep?.({ did, what: describeManifest(manifest) });
    if (manifest.kind === 'CustomResourceDefinition') {
      const { name } = manifest.metadata;
      await waitForCrd(deps, { name, deadlineMs: crdMs, signal });
    }
  }
  const wanted = new Set(manifests.map(manifestKey));
  const unwanted = previous.filter((manifest) => !wanted.has(manifestKey(manifest)));
  await removeManifests(deps, { ...options, manifests: unwanted });
}

/** Removes `manifests` in the opposite order, but for those that are kept. */
export async function removeManifests(
  deps: Pick<ApplyDeps, 'client' | 'finder'>,
  options: Pick<ApplyOptions, 'manifests' | 'onStep' | 'signal'> & {
    /** What is marked to be kept goes too. */
    readonly keptToo?: boolean;
  },
): Promise<void> {
  for (const manifest of inApplyOrder(options.manifests).toReversed()) {
    const what = describeManifest(manifest);
    if (options.keptToo !== true && isKept(manifest)) {
      options.onStep?.({ did: 'kept', what });
      continue;
    }
    const resource = await find(deps, manifest, options.signal);
    // A kind that is gone has taken its objects with it.
    if (resource === undefined) continue;
    const { name, namespace } = manifest.metadata;
    const { signal } = options;
    const existed = await deps.client.delete({ resource, namespace, name, signal });
    if (existed) options.onStep?.({ did: 'removed', what });
  }
}

const versionSchema = v.object({
  metadata: v.object({ resourceVersion: v.optional(v.string(), ''), managedFields }),
});

async function applyOne(
  deps: ApplyDeps,
  options: ApplyOptions,
  manifest: Manifest,
): Promise<ApplyStep['did']> {
  const { signal, fieldManager } = options;
  const resource = await find(deps, manifest, signal);
  if (resource === undefined) {
    throw new KubeError(
      'NotFound',
      `${describeManifest(manifest)}: the cluster does not know ${manifest.apiVersion}`,
    );
  }
  if (resource.namespaced && manifest.metadata.namespace === undefined) {
    throw new KubeError('Invalid', `${describeManifest(manifest)} names no namespace`);
  }
  const { name, namespace } = manifest.metadata;
  const address = { resource, namespace, name, schema: versionSchema, signal };
  const before = await deps.client.find(address);
  const apply = async () => {
    if (before !== undefined) {
      await takeOverFromHelm(deps.client, before, { ...address, fieldManager });
    }
    return await deps.client.apply({ ...address, object: manifest, fieldManager, force: true });
  };
  const after = await apply().catch((error: unknown) => {
    const stays = before !== undefined && options.mayStay?.(manifest) === true;
    if (stays && isKubeError(error, 'Forbidden')) return undefined;
    throw error;
  });
  if (after === undefined) return 'kept';
  if (before === undefined) return 'created';
  const same = before.metadata.resourceVersion === after.metadata.resourceVersion;
  return same ? 'unchanged' : 'configured';
}

const takeOverTries = 3;

/** What the real Helm has set is ours from now on, or what is no longer wanted of it would stay. */
async function takeOverFromHelm(
  client: KubeClient,
  object: v.InferOutput<typeof versionSchema>,
  address: GetOptions<v.InferOutput<typeof versionSchema>> & { readonly fieldManager: string },
): Promise<void> {
  let { metadata } = object;
  for (let left = takeOverTries; ; left -= 1) {
    const taken = takenFromHelm(metadata.managedFields, address.fieldManager);
    if (taken === undefined) return;
    // The version makes it a Conflict where somebody else has written meanwhile.
    const patch = [
      { op: 'replace', path: '/metadata/managedFields', value: taken },
      { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
    ];
    try {
      await client.patch({ ...address, type: 'json', patch });
      return;
    } catch (error) {
      if (left === 1 || !isKubeError(error, 'Conflict')) throw error;
    }
    ({ metadata } = await client.get(address));
  }
}

async function find(
  deps: Pick<ApplyDeps, 'finder'>,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  return await deps.finder.find(manifest.apiVersion, manifest.kind, signal);
}
