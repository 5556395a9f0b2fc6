import type { ConnectRequest } from '#protocol/gen/telepresence_pb.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import { clusterFailure } from '../errors.ts';
import type { SessionDeps } from './session-deps.ts';

/** The cluster that a request means. */
export async function accessFor(
  deps: Pick<SessionDeps, 'clock' | 'home'>,
  request: ConnectRequest,
): Promise<ClusterAccess> {
  try {
    return await loadClusterAccess(deps, {
      flags: kubeFlagsOf(request.kube, request.directory),
      env: request.environment,
      home: request.environment['HOME'] ?? deps.home,
      workingFolder: request.directory === '' ? '/' : request.directory,
    });
  } catch (error) {
    throw clusterFailure(error);
  }
}
