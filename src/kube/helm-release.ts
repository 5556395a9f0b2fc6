import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as v from 'valibot';
import { describe } from '#base/errors.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import { kubeObjectSchema } from './objects.ts';
import { resources } from './resource.ts';
import { parseJson } from './status.ts';

/** Helm's own words for where a release is. */
export const releaseStatuses = [
  'unknown',
  'deployed',
  'uninstalled',
  'superseded',
  'failed',
  'uninstalling',
  'pending-install',
  'pending-upgrade',
  'pending-rollback',
] as const;
export type ReleaseStatus = (typeof releaseStatuses)[number];

// Loose: a release that the real helm wrote keeps all it has when we change its status.
const releaseSchema = v.looseObject({
  name: v.string(),
  namespace: v.string(),
  version: v.number(),
  manifest: v.optional(v.string(), ''),
  config: v.nullish(v.record(v.string(), v.unknown()), {}),
  info: v.looseObject({
    status: v.picklist(releaseStatuses),
    first_deployed: v.optional(v.string(), ''),
    last_deployed: v.optional(v.string(), ''),
    deleted: v.optional(v.string(), ''),
    description: v.optional(v.string(), ''),
    notes: v.optional(v.string()),
  }),
  chart: v.looseObject({
    metadata: v.looseObject({
      name: v.string(),
      version: v.string(),
      appVersion: v.optional(v.string(), ''),
    }),
  }),
});

/** One revision of a release, as Helm keeps it. `config` are the values that the user gave. */
export type HelmRelease = v.InferOutput<typeof releaseSchema>;

// A Secret holds 1 MiB, which may stand for a gigabyte.
const mostBytes = 64 * 2 ** 20;
const secretType = 'helm.sh/release.v1';
const secretSchema = v.object({
  metadata: v.object({ name: v.string(), namespace: v.string() }),
  data: v.object({ release: v.string() }),
});

/** Helm's encoding inside the Secret's value: base64 of gzipped JSON. */
export async function encodeRelease(release: HelmRelease): Promise<string> {
  const packed = await promisify(gzip)(Buffer.from(JSON.stringify(release)), { level: 9 });
  return packed.toString('base64');
}

/** The release inside a Secret's value; `where` is for the error. */
export async function decodeRelease(text: string, where: string): Promise<HelmRelease> {
  try {
    const bytes = Buffer.from(text, 'base64');
    // Helm wrote plain JSON once (2016); 1f 8b is gzip's mark.
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const limits = { maxOutputLength: mostBytes };
    const json = packed ? await promisify(gunzip)(bytes, limits) : bytes;
    return v.parse(releaseSchema, parseJson(json.toString('utf8')));
  } catch (error) {
    throw new KubeError('BadObject', `${where} holds no Helm release: ${describe(error)}`, {
      cause: error,
    });
  }
}

/** All revisions of a release, oldest first. Without a namespace: of all releases of this name. */
export async function listReleases(
  client: KubeClient,
  options: { readonly namespace?: string; readonly name: string; readonly signal: AbortSignal },
): Promise<readonly HelmRelease[]> {
  const { namespace, name, signal } = options;
  const { items } = await client.list({
    resource: resources.secrets,
    namespace,
    labelSelector: `owner=helm,name=${name}`,
    fieldSelector: `type=${secretType}`,
    schema: secretSchema,
    signal,
  });
  const releases = await Promise.all(
    items.map(async ({ metadata, data }) => {
      const where = `secret ${metadata.namespace}/${metadata.name}`;
      return await decodeRelease(Buffer.from(data.release, 'base64').toString('latin1'), where);
    }),
  );
  return releases.sort((a, b) => a.version - b.version);
}

/** Writes a revision, new or again, with the labels by which helm finds it. */
export async function writeRelease(
  client: KubeClient,
  options: { readonly release: HelmRelease; readonly now: number; readonly signal: AbortSignal },
): Promise<void> {
  const { release, signal } = options;
  const { namespace } = release;
  const name = secretName(release);
  const address = {
    resource: resources.secrets,
    namespace,
    name,
    schema: kubeObjectSchema,
    signal,
  };
  const existing = await client.find(address);
  const seconds = String(Math.floor(options.now / 1000));
  const encoded = await encodeRelease(release);
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: secretType,
    metadata: {
      name,
      namespace,
      resourceVersion: existing?.metadata.resourceVersion,
      labels: {
        ...existing?.metadata.labels,
        owner: 'helm',
        name: release.name,
        status: release.info.status,
        version: String(release.version),
        [existing === undefined ? 'createdAt' : 'modifiedAt']: seconds,
      },
    },
    data: { release: Buffer.from(encoded, 'latin1').toString('base64') },
  };
  if (existing === undefined) {
    await client.create({ ...address, object: secret, fieldManager: 'telepresence' });
  } else {
    await client.replace({ ...address, object: secret, fieldManager: 'telepresence' });
  }
}

/** Removes one revision; whether there was one. */
export async function deleteRelease(
  client: KubeClient,
  release: Pick<HelmRelease, 'name' | 'namespace' | 'version'>,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace } = release;
  return await client.delete({
    resource: resources.secrets,
    namespace,
    name: secretName(release),
    signal,
  });
}

/** The Secret that holds a revision. */
export function secretName(release: Pick<HelmRelease, 'name' | 'version'>): string {
  return `sh.helm.release.v1.${release.name}.v${String(release.version)}`;
}
