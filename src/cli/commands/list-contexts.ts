import { readKubeconfig } from '#kube/kubeconfig.ts';
import { clusterError, loadOptions } from '../helm/cluster-client.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence list-contexts` */
export const runListContexts: RunCommand = async (context, line) => {
  const options = await loadOptions(context, line);
  const config = await readKubeconfig(options).catch((error: unknown) => {
    throw clusterError(error);
  });
  const contexts = [...config.contexts].toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
  context.show({
    text:
      contexts.length === 0
        ? ['No contexts']
        : contexts.flatMap(([name, { namespace }]) => [
            `- name: ${name}${name === config.currentContext ? ' (current)' : ''}`,
            `  default namespace: ${namespace ?? 'default'}`,
          ]),
    object: Object.fromEntries(contexts),
  });
  return 0;
};
