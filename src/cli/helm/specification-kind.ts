import * as v from 'valibot';
import type { InstallContext } from '#install/manifest.ts';
import {
  ownKindAnnotation,
  specificationCrd,
  specificationCrdName,
} from '#install/specification-crd.ts';
import { applyManifests, type ApplyDeps, type ApplyStep } from '#kube/apply.ts';
import { describeManifest } from '#kube/manifest.ts';
import { objectMetaSchema } from '#kube/objects.ts';
import { resources } from '#kube/resource.ts';
import { fieldManager } from '#protocol/resources.ts';

interface KindOptions {
  readonly context: InstallContext;
  /** `install` makes it where it is not there; `upgrade` changes ours alone. */
  readonly how: 'install' | 'upgrade';
  readonly onStep: (step: ApplyStep) => void;
  readonly signal: AbortSignal;
}

/** Has the cluster know Intercept Specifications. A kind that somebody else has made is used, and left as it is. */
export async function writeSpecificationKind(deps: ApplyDeps, options: KindOptions): Promise<void> {
  const { context, how, onStep, signal } = options;
  const manifest = specificationCrd(context);
  const there = await deps.client.find({
    resource: resources.customResourceDefinitions,
    name: specificationCrdName,
    schema: v.object({ metadata: objectMetaSchema }),
    signal,
  });
  if (there === undefined && how === 'upgrade') return;
  if (there !== undefined && there.metadata.annotations?.[ownKindAnnotation] === undefined) {
    if (how === 'install')
      onStep({ did: 'kept', what: `${describeManifest(manifest)} of another maker` });
    return;
  }
  await applyManifests(deps, {
    manifests: [manifest],
    fieldManager,
    mayStay: () => true,
    onStep,
    signal,
  });
}
