import type { ServerHttp2Stream } from 'node:http2';
import type { Clock } from '#base/clock.ts';
import type { Desired, ServedIntercept } from './desired.ts';

/** Whose Intercept it has to be. */
export interface InterceptOf {
  readonly connectionUid: string;
  readonly interceptUid: string;
}

const lookEveryMs = 1000;

/** The Intercept, if it is there and that laptop's own. */
export function ownIntercept(
  desired: Desired | undefined,
  { connectionUid, interceptUid }: InterceptOf,
): ServedIntercept | undefined {
  const found = desired?.intercepts.get(interceptUid);
  return found?.connectionUid === connectionUid ? found : undefined;
}

/** What is open ends within a second of the laptop's own Intercept, whatever the laptop does. */
export function endWithIntercept(
  deps: { readonly clock: Pick<Clock, 'every'>; readonly desired: () => Desired | undefined },
  of: InterceptOf,
  stream: ServerHttp2Stream,
): void {
  if (stream.closed || stream.destroyed) return;
  const watch = deps.clock.every(lookEveryMs, () => {
    if (ownIntercept(deps.desired(), of) === undefined) {
      stream.destroy(new Error('the intercept has ended'));
    }
  });
  stream.once('close', () => watch[Symbol.dispose]());
}
