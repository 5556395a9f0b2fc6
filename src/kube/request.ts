import http from 'node:http';
import net from 'node:net';
import type { Clock } from '#base/clock.ts';
import { toError } from '#base/errors.ts';
import { withDeadline } from '#base/wait.ts';
import { connectApiServer, type ConnectDeps } from './connect.ts';
import { KubeError, unreachable } from './errors.ts';
import { errorFromAnswer } from './status.ts';
import { basePath } from './tcp.ts';

const connectMs = 10_000;
const idleMs = 50_000;
const usualMs = 15_000;
const longestAnswerBytes = 256 * 1024 * 1024;
const longestErrorBytes = 64 * 1024;

export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole answer, or for its head where it is streamed. */
  readonly deadlineMs?: number;
  /** What is asked, for the error's sentence. */
  readonly what: string;
  readonly signal: AbortSignal;
}

interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** Requests to one API server over connections that are kept; bytes in, bytes out. */
export interface Requester extends AsyncDisposable {
  /** The whole answer; an error status throws. */
  send(request: RawRequest): Promise<RawAnswer>;
  /** The answer's head; its body is read by the caller. An error status throws. */
  stream(request: RawRequest): Promise<http.IncomingMessage>;
  /** Closes every connection, so that what waits notices a changed network at once. */
  dropConnections(): void;
}

interface RequesterDeps extends ConnectDeps {
  readonly clock: Pick<Clock, 'after' | 'sleep'>;
  /** Sent as User-Agent, and so in the audit log. */
  readonly userAgent: string;
}

/** A Requester for `deps.access`. */
export function createRequester(deps: RequesterDeps): Requester {
  const agent = new ApiAgent(deps);

  const once = async (
    request: RawRequest,
    signal: AbortSignal,
    attempt: number,
  ): Promise<http.IncomingMessage> => {
    const identity = await deps.access.identify(signal);
    const answer = Promise.withResolvers<http.IncomingMessage>();
    const outgoing = http.request({
      agent,
      method: request.method,
      path: basePath(deps.access.server) + request.path,
      headers: {
        host: deps.access.server.host,
        'user-agent': deps.userAgent,
        accept: 'application/json',
        ...identity.headers,
        ...request.headers,
        // Node itself sends a DELETE's body without its length, which spoils the connection.
        ...(request.body === undefined
          ? {}
          : { 'content-length': String(Buffer.byteLength(request.body)) }),
      },
      signal,
    });
    outgoing.on('response', answer.resolve);
    outgoing.on('error', answer.reject);
    outgoing.end(request.body);
    try {
      return await answer.promise;
    } catch (error) {
      signal.throwIfAborted();
      // A kept connection that the other side closed meanwhile says nothing about the request.
      if (outgoing.reusedSocket && attempt < 3 && !onlyOnce.has(request.method)) {
        return await once(request, signal, attempt + 1);
      }
      throw unreachable(`API server ${deps.access.server.origin}`, error);
    }
  };

  const answered = async (request: RawRequest, signal: AbortSignal) => {
    for (let attempt = 0; ; attempt += 1) {
      const response = await once(request, signal, 0);
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return response;
      const error = errorFromAnswer(request.what, {
        server: deps.access,
        status,
        body: await readText(response, longestErrorBytes),
        retryAfter: response.headers['retry-after'],
      });
      if (attempt === 0 && error.code === 'Unauthorized') {
        deps.access.forgetIdentity();
      } else if (attempt < 4 && error.code === 'TooManyRequests' && error.retryAfterMs) {
        await deps.clock.sleep(error.retryAfterMs, signal);
      } else if (error.code === 'Unauthorized') {
        const why = deps.access.whyRefused();
        throw new KubeError('Unauthorized', why, { status, cause: error });
      } else {
        throw error;
      }
    }
  };

  const deadline = (request: RawRequest) => ({
    ms: Math.min(request.deadlineMs ?? usualMs, deps.access.requestTimeoutMs ?? Infinity),
    what: request.what,
    signal: request.signal,
  });

  const failed = (request: RawRequest, error: unknown): KubeError => {
    request.signal.throwIfAborted();
    return unreachable(request.what, error);
  };

  return {
    async send(request) {
      try {
        // Before the deadline begins: a plugin that signs in may take its time.
        await deps.access.identify(request.signal);
        return await withDeadline(deps, deadline(request), async (signal) => {
          const response = await answered(request, signal);
          return {
            status: response.statusCode ?? 0,
            body: await readText(response, longestAnswerBytes),
          };
        });
      } catch (error) {
        throw failed(request, error);
      }
    },
    async stream(request) {
      const stopped = new AbortController();
      try {
        await deps.access.identify(request.signal);
        return await withDeadline(deps, deadline(request), async (signal) => {
          // The deadline ends with the head; the caller's signal lives on with the body.
          const stop = (): void => stopped.abort(signal.reason);
          signal.addEventListener('abort', stop, { once: true });
          const response = await answered(
            request,
            AbortSignal.any([request.signal, stopped.signal]),
          );
          signal.removeEventListener('abort', stop);
          return response;
        });
      } catch (error) {
        throw failed(request, error);
      }
    },
    dropConnections() {
      agent.destroy();
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}

// Sending these twice is not the same as once.
const onlyOnce: ReadonlySet<string> = new Set(['POST', 'DELETE']);

// Node's pool of kept connections, over connections of our own making.
class ApiAgent extends http.Agent {
  readonly #deps: RequesterDeps;

  constructor(deps: RequesterDeps) {
    super({ keepAlive: true, timeout: idleMs, maxFreeSockets: 8, scheduling: 'lifo' });
    this.#deps = deps;
  }

  override createConnection(
    ...[, callback]: Parameters<http.Agent['createConnection']>
  ): ReturnType<http.Agent['createConnection']> {
    if (callback !== undefined) void this.#connect(callback);
    return undefined;
  }

  async #connect(done: (error: Error | null, socket: net.Socket) => void): Promise<void> {
    const { signal } = new AbortController();
    try {
      const identity = await this.#deps.access.identify(signal);
      const options = { identity, deadlineMs: connectMs, signal };
      done(null, await connectApiServer(this.#deps, options));
    } catch (error) {
      // Node looks at the error first; its type demands a socket all the same.
      done(toError(error), new net.Socket());
    }
  }
}

/** A body as text; an answer that is cut or too long throws. */
export async function readText(body: http.IncomingMessage, longest: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > longest) {
      body.destroy();
      throw new KubeError('BadObject', `the answer is longer than ${String(longest)} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
