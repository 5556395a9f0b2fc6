import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { podLoopback } from '#protocol/dial-policy.ts';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { resetEnd, splice } from '#tunnel/splice.ts';
import type { PickSession } from '../flows/outbound-listener.ts';

export interface PodListenerDeps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'every' | 'monotonic'>;
  readonly pickSession: PickSession;
}

/** Where what comes to a port of ours goes. */
export interface ToPod {
  readonly port: number;
  /** The intercept whose pod is meant; undefined while it is being made. */
  readonly intercept: () => string | undefined;
}

/** Listens on this machine's loopback; each connection goes to the same port of the pod's. */
export async function listenForPod(deps: PodListenerDeps, to: ToPod): Promise<AsyncDisposable> {
  const open = new Set<Socket>();
  const ending = new AbortController();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => {});
    carry(deps, to, socket, ending.signal);
  });
  server.listen({ host: podLoopback, port: to.port });
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      const reason = new Error('the intercept has ended');
      ending.abort(reason);
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) resetEnd(socket, reason);
      await closed;
    },
  };
}

function carry(deps: PodListenerDeps, to: ToPod, socket: Socket, signal: AbortSignal): void {
  const session = deps.pickSession();
  const interceptUid = to.intercept();
  if (session === undefined || interceptUid === undefined) {
    socket.resetAndDestroy();
    return;
  }
  const authority = `${podLoopback}:${String(to.port)}`;
  try {
    const headers = { [interceptHeader]: interceptUid };
    const { flow, accepted } = session.beginFlow({ authority, headers, signal });
    accepted.catch((error: unknown) => {
      deps.log.info("the pod's port did not answer", { port: to.port, reason: describe(error) });
    });
    splice(socket, flow.stream);
    socket.resume();
  } catch (error) {
    deps.log.debug('flow failed', { authority, reason: describe(error) });
    socket.resetAndDestroy();
  }
}
