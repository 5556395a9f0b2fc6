import { connect, type Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { describe, systemCode } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { refusalForSystemCode } from '#tunnel/refusal.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { splice } from '#tunnel/splice.ts';
import type { FindTarget, HandlerTarget } from './handler-target.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
  readonly findTarget: FindTarget;
}

const dialMs = 5000;

/** Joins each connection that arrives for an intercept with its handler on the laptop. */
export function takeReverseFlows(deps: Deps): (flow: IncomingFlow) => void {
  return (flow) => {
    const target = flow.kind === 'tcp' ? deps.findTarget(flow.authority) : undefined;
    if (target === undefined) {
      // An intercept that is over here: the app answers.
      deps.log.debug('connection for an unknown intercept', { intercept: flow.authority });
      flow.refuse('Unavailable');
      return;
    }
    dial(deps, target, flow.signal).then(
      (socket) => {
        // Given up meanwhile: somebody else may have its bytes by now.
        if (flow.signal.aborted || flow.stream.closed) {
          socket.resetAndDestroy();
          return;
        }
        splice(flow.accept().stream, socket);
      },
      (error: unknown) => {
        deps.log.debug('handler refused', {
          target: `${target.host}:${String(target.port)}`,
          reason: describe(error),
        });
        flow.refuse(refusalForSystemCode(systemCode(error)));
      },
    );
  };
}

async function dial(
  deps: Pick<Deps, 'clock'>,
  { host, port }: HandlerTarget,
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  const giveUp = (): void => {
    socket.destroy();
    reject(Object.assign(new Error('given up'), { code: 'ECONNABORTED' }));
  };
  using _timer = deps.clock.after(dialMs, () => {
    socket.destroy();
    reject(
      Object.assign(new Error(`no answer within ${String(dialMs)} ms`), { code: 'ETIMEDOUT' }),
    );
  });
  signal.addEventListener('abort', giveUp, { once: true });
  socket.once('connect', () => resolve(socket));
  socket.on('error', reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
