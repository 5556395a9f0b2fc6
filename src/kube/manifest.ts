import * as v from 'valibot';
import { parseAllDocuments, stringify, type Document } from 'yaml';
import { KubeError } from './errors.ts';

const manifestSchema = v.looseObject({
  apiVersion: v.string(),
  kind: v.string(),
  metadata: v.looseObject({
    name: v.string(),
    namespace: v.optional(v.string()),
    annotations: v.optional(v.record(v.string(), v.string())),
  }),
});

/** An object as it shall be: what is applied, and what a release remembers. */
export type Manifest = v.InferOutput<typeof manifestSchema>;

/** Helm's order of kinds, shortened to those that matter; a webhook comes when its pods do. */
const order = [
  'Namespace',
  'NetworkPolicy',
  'ResourceQuota',
  'LimitRange',
  'PodDisruptionBudget',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'Service',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'DaemonSet',
  'Deployment',
  'StatefulSet',
  'Job',
] as const;
const last = new Set(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);

function rank(manifest: Manifest): number {
  const at = order.findIndex((kind) => kind === manifest.kind);
  if (at >= 0) return at;
  return order.length + (last.has(manifest.kind) ? 1 : 0);
}

/** Sorted so that each object finds what it needs. */
export function inApplyOrder(manifests: readonly Manifest[]): readonly Manifest[] {
  return manifests.toSorted((a, b) => rank(a) - rank(b));
}

/** One object, whatever the version of its API: `apps Deployment ambassador/traffic-manager`. */
export function manifestKey(manifest: Manifest): string {
  const group = manifest.apiVersion.includes('/') ? manifest.apiVersion.split('/')[0] : '';
  return `${group ?? ''} ${describeManifest(manifest)}`;
}

/** `Deployment ambassador/traffic-manager` */
export function describeManifest({ kind, metadata }: Manifest): string {
  const where = metadata.namespace === undefined ? '' : `${metadata.namespace}/`;
  return `${kind} ${where}${metadata.name}`;
}

/** What no upgrade and no uninstall removes: CRDs, namespaces, and what says so itself. */
export function isKept(manifest: Manifest): boolean {
  return (
    manifest.kind === 'CustomResourceDefinition' ||
    manifest.kind === 'Namespace' ||
    manifest.metadata.annotations?.['helm.sh/resource-policy'] === 'keep'
  );
}

/** The documents of a YAML text; empty ones are left out. */
export function parseManifests(text: string): readonly Manifest[] {
  const manifests: Manifest[] = [];
  for (const document of parseAllDocuments(text)) {
    const [error] = document.errors;
    if (error !== undefined) {
      throw new KubeError('BadObject', 'a manifest that is not YAML', { cause: error });
    }
    const value = valueOf(document);
    if (value === null || value === undefined) continue;
    const parsed = v.safeParse(manifestSchema, value);
    if (!parsed.success) {
      throw new KubeError('BadObject', `a manifest is broken: ${v.summarize(parsed.issues)}`);
    }
    manifests.push(parsed.output);
  }
  return manifests;
}

/** Manifests as one YAML text, as Helm keeps them. */
export function formatManifests(manifests: readonly Manifest[]): string {
  return manifests
    .map(
      (manifest) => `---\n${stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false })}`,
    )
    .join('');
}

/** An alias may stand for nothing, or for more than there is memory. */
function valueOf(document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new KubeError('BadObject', 'a manifest that is not YAML', { cause: error });
  }
}
