import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { retry, withDeadline } from '#base/wait.ts';
import { isKubeError } from '#kube/errors.ts';

interface Deps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** Less than the liveness probe waits for. */
const patienceMs = 45_000;

/**
 * What the API server is asked first, asked again while it is out of reach (a node that has just
 * started, a restarted control plane): a manager that ended instead would come back by the kubelet's
 * back-off, much later. Other errors are thrown at once, and a DeadlineError after 45 s.
 */
export async function atFirstContact<T>(
  deps: Deps,
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const waiting = { ms: patienceMs, what: 'the API server', signal };
  const outcome = await withDeadline(deps, waiting, async (asking) => {
    const onFailure = (reason: string): void =>
      deps.log.warning('the API server is out of reach', { reason });
    return await retry(
      deps,
      { firstMs: 250, lastMs: 2000, signal: asking, onFailure },
      async (): Promise<{ readonly value: T } | { readonly error: unknown }> => {
        try {
          return { value: await ask(asking) };
        } catch (error) {
          if (isKubeError(error, 'Unreachable', 'Unavailable')) throw error;
          return { error };
        }
      },
    );
  });
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}
