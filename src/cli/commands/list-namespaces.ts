import { kubeObjectSchema } from '#kube/objects.ts';
import { resources } from '#kube/resource.ts';
import type { CliContext } from '../context.ts';
import { clusterClient, clusterError } from '../helm/cluster-client.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence list-namespaces` */
export const runListNamespaces: RunCommand = async (context, line) => {
  const names = await namespaceNames(context, line);
  context.show({ text: names, object: names });
  return 0;
};

/** The cluster's namespaces, with the user's own rights. */
export async function namespaceNames(
  context: CliContext,
  line: ParsedLine,
): Promise<readonly string[]> {
  try {
    await using client = await clusterClient(context, line);
    const { items } = await client.list({
      resource: resources.namespaces,
      schema: kubeObjectSchema,
      signal: context.signal,
    });
    return items.map(({ metadata }) => metadata.name).toSorted();
  } catch (error) {
    throw clusterError(error);
  }
}
