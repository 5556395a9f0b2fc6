import * as v from 'valibot';
import type { KubeClient } from './client.ts';
import { isKubeError, KubeError } from './errors.ts';
import type { Resource } from './resource.ts';
import { parseJson } from './status.ts';

const resourceListSchema = v.object({
  resources: v.array(v.object({ name: v.string(), kind: v.string(), namespaced: v.boolean() })),
});

/** Finds how a kind is called in paths, by asking the API server. */
export interface ResourceFinder {
  /** Undefined where the cluster does not know such a kind (yet). */
  find(apiVersion: string, kind: string, signal: AbortSignal): Promise<Resource | undefined>;
}

/** A finder that remembers what it found. */
export function createResourceFinder(client: KubeClient): ResourceFinder {
  const known = new Map<string, Resource>();
  return {
    async find(apiVersion, kind, signal) {
      const key = `${apiVersion} ${kind}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      for (const resource of await readGroupVersion(client, apiVersion, signal)) {
        known.set(`${apiVersion} ${resource.kind}`, resource);
      }
      return known.get(key);
    },
  };
}

async function readGroupVersion(
  client: KubeClient,
  apiVersion: string,
  signal: AbortSignal,
): Promise<readonly Resource[]> {
  const [first = '', second] = apiVersion.split('/');
  const [group, version] = second === undefined ? ['', first] : [first, second];
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  try {
    const body = await client.raw({ method: 'GET', path, what: `discover ${apiVersion}`, signal });
    const parsed = v.safeParse(resourceListSchema, parseJson(body));
    if (!parsed.success) {
      throw new KubeError('BadObject', `discover ${apiVersion}: ${v.summarize(parsed.issues)}`);
    }
    return (
      parsed.output.resources
        // Subresources are in the same list, with a slash.
        .filter(({ name }) => !name.includes('/'))
        .map(({ name, kind, namespaced }) => ({ group, version, plural: name, kind, namespaced }))
    );
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return [];
    throw error;
  }
}
