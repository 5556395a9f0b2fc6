import type { Clock } from '#base/clock.ts';
import { whoAmI, type UserInfo } from '#kube/access.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ConnectDeps } from '#kube/connect.ts';
import { KubeError } from '#kube/errors.ts';
import { reachApiServer } from '#kube/reach.ts';
import { orAborted } from '#kube/or-aborted.ts';

interface Deps extends ConnectDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly client: KubeClient;
  readonly loadPerCpu: () => number;
}

// Nobody wonders before that.
const patienceMs = 1000;

/**
 * Who we are, by the session's first request. Whether anything answers at all is asked beside it,
 * which ends sooner and knows what it is that answers.
 */
export async function firstAnswer(
  deps: Deps,
  options: {
    /** How long to wait; undefined or 0: for as long as one request takes. */
    readonly ms: number | undefined;
    readonly report: (text: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<UserInfo> {
  const { origin } = deps.access.server;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  using _slow = deps.clock.after(patienceMs, () => {
    options.report(`Waiting for the API server ${origin}`);
  });
  using _end =
    options.ms === undefined || options.ms === 0
      ? undefined
      : deps.clock.after(options.ms, () => {
          stop.abort(
            new KubeError(
              'Unreachable',
              `API server ${origin} did not answer within ${String((options.ms ?? 0) / 1000)} s (timeouts.clusterConnect)`,
            ),
          );
        });
  const reached = reachApiServer(deps, signal);
  const user = whoAmI(deps.client, signal);
  const silent = Promise.withResolvers<never>();
  reached.catch(silent.reject);
  silent.promise.catch(() => {});
  try {
    return await Promise.race([user, silent.promise]);
  } catch (error) {
    options.signal.throwIfAborted();
    // What answers may be no API server: then this is the reason of every other error.
    await orAborted(reached, options.signal);
    throw error;
  } finally {
    user.catch(() => {});
    stop.abort(new Error('the API server has answered'));
  }
}
