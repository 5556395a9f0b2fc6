import type { ClusterAccess } from '#kube/cluster-access.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import type { CliContext } from '../context.ts';
import { clusterError } from '../helm/cluster-client.ts';

/** How kubectl would reach the cluster with these flags, here; what keeps it from that is a CliError. */
export async function clusterAccess(
  context: Pick<CliContext, 'env' | 'cwd' | 'clock'>,
  flags: Parameters<typeof loadClusterAccess>[1]['flags'],
): Promise<ClusterAccess> {
  try {
    return await loadClusterAccess(context, {
      flags,
      env: context.env,
      home: context.env['HOME'] ?? '/',
      workingFolder: context.cwd,
    });
  } catch (error) {
    throw clusterError(error);
  }
}
