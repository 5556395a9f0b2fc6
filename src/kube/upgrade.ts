import http from 'node:http';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { onOwnConnection, type ConnectDeps } from './connect.ts';
import { KubeError } from './errors.ts';
import { readText } from './request.ts';
import { errorFromAnswer } from './status.ts';
import { basePath } from './tcp.ts';
import { acceptOf } from './websocket-accept.ts';

/** A Service's named port, reached through the API server's proxy. */
export interface ServiceTarget {
  readonly namespace: string;
  readonly service: string;
  /** The Service port's name; the pod is reached by TLS. */
  readonly portName: string;
}

interface UpgradeOptions {
  readonly target: ServiceTarget;
  /** What the pod sees: `/tunnel/…`. A query would be dropped on the way. */
  readonly path: string;
  /** Public all of them: verbose logs of the API server show them. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** A WebSocket subprotocol that has to be accepted; without one the bytes after the 101 are raw. */
  readonly protocol?: string;
  /** For the connection and the 101. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/**
 * Opens raw bytes to a pod of a Service through the API server (design decision 2). Nothing may be
 * written before the 101, and the first end of either side ends both directions: the API server's
 * copy knows no half-close.
 */
export async function openServiceUpgrade(
  deps: ConnectDeps,
  options: UpgradeOptions,
): Promise<Duplex> {
  const { target, path } = options;
  const service = `https:${target.service}:${target.portName}`;
  const proxy = `/api/v1/namespaces/${target.namespace}/services/${service}/proxy`;
  const what = `service proxy ${target.namespace}/${service}`;
  return await onOwnConnection(deps, { ...options, what }, async (socket, identity, signal) => {
    const { server } = deps.access;
    return await requestUpgrade({
      socket,
      host: server.host,
      path: basePath(server) + proxy + path,
      headers: { ...identity.headers, ...options.headers },
      ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
      what,
      signal,
    });
  });
}

/**
 * Asks for `Upgrade: websocket` on a connection of its own and gives it back after the 101, as raw
 * bytes. The socket is destroyed when that fails.
 */
export async function requestUpgrade<S extends Duplex>(options: {
  readonly socket: S;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** A WebSocket subprotocol that has to be accepted. */
  readonly protocol?: string;
  readonly what: string;
  readonly signal: AbortSignal;
}): Promise<S> {
  const { socket, what, signal } = options;
  const key = randomBytes(16).toString('base64');
  const request = http.request({
    method: 'GET',
    path: options.path,
    headers: {
      host: options.host,
      ...options.headers,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
      ...(options.protocol === undefined ? {} : { 'sec-websocket-protocol': options.protocol }),
    },
    createConnection: () => socket,
  });
  const done = Promise.withResolvers<void>();
  // Not http.request's own signal: that would end the connection long after the 101, too.
  const onAbort = (): void => done.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  request.on('error', done.reject);
  request.on('response', (response) => {
    readText(response, 64 * 1024).then((body) => {
      done.reject(notUpgraded(what, { status: response.statusCode ?? 0, body }));
    }, done.reject);
  });
  request.on('upgrade', (response, _socket, head) => {
    const trouble = wrongAnswer(response.headers, { key, protocol: options.protocol });
    if (trouble !== undefined) {
      done.reject(new KubeError('NoUpgrade', `${what}: ${trouble}`, { status: 101 }));
      return;
    }
    // What came together with the 101 belongs to the stream.
    if (head.length > 0) socket.unshift(head);
    done.resolve();
  });
  request.end();
  try {
    signal.throwIfAborted();
    await done.promise;
    signal.throwIfAborted();
    return socket;
  } catch (error) {
    request.destroy();
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** What is wrong with a 101 (RFC 6455 §4.1), or undefined. */
function wrongAnswer(
  headers: http.IncomingHttpHeaders,
  asked: { readonly key: string; readonly protocol: string | undefined },
): string | undefined {
  if (headers['sec-websocket-accept'] !== acceptOf(asked.key)) {
    return 'the answer is not a WebSocket’s';
  }
  const accepted = headers['sec-websocket-protocol'];
  if (accepted === asked.protocol) return undefined;
  return asked.protocol === undefined
    ? `${String(accepted)} was accepted, which nobody asked for`
    : `${asked.protocol} was not accepted`;
}

// What stands before the API server took the Upgrade away when the pod or the API server says so, or
// when the request was answered as any other.
function notUpgraded(
  what: string,
  answer: { readonly status: number; readonly body: string },
): KubeError {
  const lost =
    answer.status < 300 ||
    answer.status === 426 ||
    (answer.status === 400 && /upgrade/i.test(answer.body));
  if (!lost) return errorFromAnswer(what, answer);
  return new KubeError(
    'NoUpgrade',
    `${what}: the request to upgrade did not arrive as one (HTTP ${String(answer.status)})`,
    { status: answer.status },
  );
}
