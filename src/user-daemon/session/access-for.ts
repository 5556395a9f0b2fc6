import type { ConnectRequest } from '#protocol/gen/telepresence_pb.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { borrowAccess } from '#kube/lent-access.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import { clusterFailure, UserDaemonError } from '../errors.ts';
import type { SessionDeps } from './session-deps.ts';

/** The cluster that a request means. */
export async function accessFor(
  deps: Pick<SessionDeps, 'clock' | 'home' | 'lender'>,
  request: ConnectRequest,
): Promise<ClusterAccess> {
  const { lent } = request;
  if ((lent === undefined) !== (deps.lender === undefined)) {
    const where = lent === undefined ? 'runs in a container' : 'runs on this machine itself';
    throw new UserDaemonError('Internal', `the daemon ${where}, and was not asked for that`);
  }
  try {
    if (lent !== undefined && deps.lender !== undefined) {
      return borrowAccess({ ...deps, lender: deps.lender }, lent);
    }
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
