import type { Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { describe, systemCode } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { takenPortHeader } from '#protocol/flow-headers.ts';
import { createDatagramDialer, openUdp } from '#tunnel/dial-udp.ts';
import { refusalForSystemCode } from '#tunnel/refusal.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { splice } from '#tunnel/splice.ts';
import { takeCopy } from './copied-flow.ts';
import { dialHandler } from './dial-handler.ts';
import type { FindTarget } from './handler-target.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly findTarget: FindTarget;
}

/** Of clients whose datagrams come here: each has a socket. An agent ends its own idle ones sooner. */
const mostDatagramFlows = 4096;
/** So long the answer waits for the handler's first bytes: it travels with them. */
const answerWithinMs = 2;

/** Joins each connection, or client's datagrams, that arrive for an intercept with its handler on the laptop. */
export function takeReverseFlows(deps: Deps): (flow: IncomingFlow) => void {
  const dialDatagrams = createDatagramDialer({
    clock: deps.clock,
    open: openUdp,
    most: mostDatagramFlows,
    // To an agent `Unavailable` means that the app is to answer: that would be the wrong side.
    whenFull: 'TimedOut',
  });
  return (flow) => {
    const port = Number(flow.headers[takenPortHeader]);
    const target =
      flow.kind === 'echo'
        ? undefined
        : deps.findTarget(flow.authority, {
            protocol: flow.kind === 'udp' ? 'UDP' : 'TCP',
            port: Number.isInteger(port) ? port : undefined,
          });
    if (target === undefined) {
      // An intercept that is over here: the app answers.
      deps.log.debug('connection for an unknown intercept', { intercept: flow.authority });
      flow.refuse('Unavailable');
      return;
    }
    if (flow.kind === 'udp') {
      dialDatagrams(flow, target);
      return;
    }
    if (target.isCopy === true) {
      takeCopy(deps, flow, target);
      return;
    }
    dialHandler(deps, target, flow.signal).then(
      (socket) => {
        // Given up meanwhile: somebody else may have its bytes by now.
        if (flow.signal.aborted || flow.stream.closed) {
          socket.resetAndDestroy();
          return;
        }
        join(deps, flow, socket);
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

/**
 * Joins them, and answers with the handler's first word where that comes soon: one message for every
 * program on the way instead of two. What the other side has said already does not wait for it.
 */
function join(deps: Pick<Deps, 'clock'>, flow: IncomingFlow, socket: Socket): void {
  const answer = (): void => {
    timer[Symbol.dispose]();
    for (const event of firstWords) socket.off(event, answer);
    flow.accept();
  };
  const timer = deps.clock.after(answerWithinMs, answer);
  // Before the splice listens: nothing may be written to a flow that is not answered.
  for (const event of firstWords) socket.on(event, answer);
  if (socket.readableEnded || socket.destroyed) answer();
  splice(flow.stream, socket);
}

/** What a handler can say first. */
const firstWords = ['data', 'end', 'close'] as const;
