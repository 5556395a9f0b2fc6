import type { Clock } from '#base/clock.ts';
import { DeadlineError, withDeadline } from '#base/wait.ts';
import { subnets } from '#protocol/dial-policy.ts';
import type { ClusterInfo } from '#protocol/gen/telepresence_pb.ts';
import { contains, parseSubnet } from '#protocol/ip-address.ts';
import { UserDaemonError } from '../errors.ts';
import type { OwnConnectionObject } from './own-connection.ts';

const usualMs = 30_000;

interface Options {
  readonly connection: Pick<OwnConnectionObject, 'spec' | 'until'>;
  readonly via: readonly string[];
  readonly managerNamespace: string;
  /** How long agents may take to come; undefined or 0: as long as usual. */
  readonly ms: number | undefined;
  readonly report: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Waits until each workload that flows are to leave from has an agent; says why one gets none. */
export async function untilVia(
  deps: { readonly clock: Pick<Clock, 'after'> },
  { connection, via, managerNamespace, ms, report, signal }: Options,
): Promise<void> {
  if (via.length === 0) return;
  if (connection.spec.via === undefined) {
    // The API server leaves out what its CRD does not know.
    throw new UserDaemonError('Internal', 'the traffic-manager does not know --proxy-via', {
      facts: { hint: `upgrade it: telepresence helm upgrade -n ${managerNamespace}` },
    });
  }
  let last = '';
  const what = `traffic-agents of ${via.join(', ')}`;
  const waiting = { ms: ms || usualMs, what, signal };
  try {
    const failure = await withDeadline(deps, waiting, async (asking) => {
      return await connection.until((status) => {
        if (status === undefined) return new Error('the connection was deleted');
        const found = via.map((workload) => status.via?.[workload]);
        const failed = found.find((one) => one?.state === 'Error');
        if (failed !== undefined) return viaFailure(failed.message ?? '', failed.reason ?? '');
        if (found.every((one) => one?.state === 'Ready')) return 'ready';
        const message = found.find((one) => one?.message !== undefined)?.message ?? '';
        if (message !== last) report(message);
        last = message;
        return undefined;
      }, asking);
    });
    if (failure instanceof Error) throw failure;
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    const why = last === '' ? 'the traffic-manager says nothing of it' : last;
    const waited = `${why} (waited ${String(waiting.ms / 1000)} s)`;
    throw new UserDaemonError('InterceptFailed', `--proxy-via: ${waited}`, { cause: error });
  }
}

/** Refuses what no agent would dial: only the cluster's own, and what its administrator adds. */
export function refuseUndialable(
  via: readonly string[],
  info: Pick<ClusterInfo, 'serviceSubnets' | 'podSubnets' | 'alsoProxy'>,
): void {
  const dialable = subnets(...info.serviceSubnets, ...info.podSubnets, ...info.alsoProxy);
  const wrong = via.find((text) => {
    const subnet = parseSubnet(text);
    return (
      subnet !== undefined &&
      !dialable.some((one) => contains(one, subnet) || contains(subnet, one))
    );
  });
  if (wrong === undefined) return;
  throw new UserDaemonError(
    'InterceptFailed',
    `--proxy-via ${wrong}: agents dial nothing there, but the cluster's own subnets and those of its administrator`,
    { facts: { hint: `have it added: Helm value client.routing.alsoProxySubnets={${wrong}}` } },
  );
}

function viaFailure(message: string, reason: string): UserDaemonError {
  const said = message === '' ? reason : message;
  return new UserDaemonError('InterceptFailed', `--proxy-via: ${said}`, { facts: { reason } });
}
