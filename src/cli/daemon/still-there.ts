import type http from 'node:http';
import { createRequire } from 'node:module';
import { systemClock, type Clock } from '#base/clock.ts';
import { DaemonCallError } from './answer-error.ts';

/** Where a daemon is called: by a unix socket, or, in a container, by its port on this machine's loopback. */
export type DaemonSocket =
  | { readonly path: string; readonly name: 'user' | 'root' | 'helper' }
  | { readonly port: number; readonly token: string; readonly name: 'user' };

/** The same for node:http. */
export function addressOf(socket: DaemonSocket): http.RequestOptions {
  return 'path' in socket ? { socketPath: socket.path } : { host: '127.0.0.1', port: socket.port };
}

/** While it is not disposed of, somebody waits for a daemon. */
export interface StillThere extends Disposable {
  /** Aborts once the daemon has given no sign of life for five seconds. */
  readonly signal: AbortSignal;
}

const everyMs = 500;
/** Without a sign of life in so many looks it is stopped: after a stall of ours one look is late, not all. */
const silentLooks = 10;
const silentMs = everyMs * silentLooks;

/**
 * Tells a daemon that takes its time from one that does not run: the kernel connects to both. While a
 * call waits, a question that the daemon's HTTP server answers by itself is asked beside it.
 */
export function watchDaemon(
  socket: DaemonSocket,
  deps: { readonly clock: Pick<Clock, 'every'> } = { clock: systemClock },
): StillThere {
  const silence = new AbortController();
  let silent = 0;
  let asking: http.ClientRequest | undefined;
  const looking = deps.clock.every(everyMs, () => {
    silent += 1;
    if (silent >= silentLooks) silence.abort(silentDaemon(socket));
    asking ??= ask(socket, (answered) => {
      asking = undefined;
      if (answered) silent = 0;
    });
  });
  return {
    signal: silence.signal,
    [Symbol.dispose]() {
      looking[Symbol.dispose]();
      asking?.destroy();
    },
  };
}

/** Any answer will do. */
function ask(socket: DaemonSocket, onEnd: (answered: boolean) => void): http.ClientRequest {
  // `import` of node:http would fetch every lazy part of it, undici too.
  const light: typeof http = createRequire(import.meta.url)('node:http');
  const request = light.get({ ...addressOf(socket), agent: false, path: '/' });
  request.once('response', (response) => {
    response.resume();
    onEnd(true);
  });
  request.once('error', () => onEnd(false));
  return request;
}

/** What is to be said of one that gives no sign of life. */
export function silentDaemon(socket: DaemonSocket, waitedMs = silentMs): DaemonCallError {
  const { name } = socket;
  const seconds = String(Math.round(waitedMs / 1000));
  if (!('path' in socket) || name === 'helper') {
    const who = name === 'helper' ? 'helper of the connection' : 'daemon in the container';
    return new DaemonCallError('Silent', `the ${who} does not answer (waited ${seconds} s)`, {
      hint: 'it is stopped, or this machine is overloaded; look at it with: docker ps, docker logs',
    });
  }
  const end = `pkill -KILL -f -- '--socket ${socket.path}'`;
  return new DaemonCallError('Silent', `the ${name} daemon does not answer (waited ${seconds} s)`, {
    hint:
      'it is stopped, or this machine is overloaded; the network is given back when it is ended: ' +
      (name === 'root' ? `sudo ${end}` : end),
  });
}
