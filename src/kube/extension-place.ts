import { parsePlacedYaml, type PlacedYaml } from './placed-yaml.ts';

/** Where a part of a cluster's extension stands: in the first file that has the cluster. */
export function extensionPlace(
  files: readonly { readonly path: string; readonly text: string }[],
  {
    cluster,
    name,
    at,
  }: { readonly cluster: string; readonly name: string; readonly at: readonly (string | number)[] },
): string {
  for (const { path, text } of files) {
    const placed = placedOrNone(text);
    if (placed === undefined) continue;
    const { value, lineOf } = placed;
    const entries = listAt(value, 'clusters');
    const index = entries.findIndex((one) => valueAt(one, 'name') === cluster);
    if (index === -1) continue;
    const extensions = listAt(valueAt(entries[index], 'cluster'), 'extensions');
    const which = extensions.findIndex((one) => valueAt(one, 'name') === name);
    const above = ['clusters', index, 'cluster', 'extensions', which, 'extension'];
    const line = lineOf([...above, ...at]);
    return `kubeconfig ${path}${line === undefined ? '' : `, line ${String(line)}`}`;
  }
  return 'the kubeconfig';
}

/** Each was read before; only merged keys (`<<`) mean something here that they did not there. */
function placedOrNone(text: string): PlacedYaml | undefined {
  try {
    return parsePlacedYaml(text);
  } catch {
    return undefined;
  }
}

function valueAt(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(key);
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = valueAt(value, key);
  return Array.isArray(list) ? list : [];
}
