import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { DeadlineError, withDeadline } from '#base/wait.ts';
import { isKubeError } from '#kube/errors.ts';
import { clusterFailure, UserDaemonError } from '../errors.ts';
import type { ClusterLink } from './cluster-link.ts';
import type { Tunnels } from './tunnels.ts';

const tunnelMs = 10_000;

/** Waits for each kind of tunnel and the first snapshot; says what is missing. */
export async function untilUp(
  deps: { readonly clock: Pick<Clock, 'after'> },
  options: {
    readonly tunnels: Tunnels;
    readonly link: ClusterLink;
    readonly facts: Readonly<Record<string, string>>;
    /** How long to wait; undefined or 0: as long as usual. */
    readonly ms: number | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { tunnels, link, facts, signal } = options;
  try {
    await withDeadline(
      deps,
      { ms: options.ms || tunnelMs, what: 'tunnels', signal },
      async (waiting) => {
        const up = Promise.all([
          tunnels.outbound.ready(waiting),
          tunnels.reverse.ready(waiting),
          link.synced(waiting),
        ]);
        await Promise.race([up, tunnels.hopeless]);
      },
    );
  } catch (error) {
    const isSilence = isKubeError(error, 'Unreachable');
    if (!isSilence && !(error instanceof DeadlineError)) throw clusterFailure(error, facts);
    const trouble = isSilence ? error : (troubleOf(tunnels) ?? error);
    throw new UserDaemonError('ManagerUnreachable', describe(trouble), { cause: trouble, facts });
  }
}

function troubleOf({ control, outbound, reverse }: Tunnels): Error | undefined {
  return control.state.trouble ?? outbound.state.trouble ?? reverse.state.trouble;
}
