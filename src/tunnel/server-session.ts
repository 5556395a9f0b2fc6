import http2, { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { TunnelError } from './errors.ts';
import type { Refusal } from './errors.ts';
import type { Flow } from './flow.ts';
import type { ReceiveWindows } from './receive-windows.ts';
import { readConnect, type FlowKind, type FlowTarget } from './flow-kind.ts';
import { refusalHeaders } from './refusal.ts';
import { assertAlive, holdSession } from './session-life.ts';
import type { SessionLife } from './session-life.ts';
import { serverSessionOptions } from './session-options.ts';

/** A flow that waits for an answer. Its bytes may already be on their way. */
export interface IncomingFlow {
  readonly kind: FlowKind;
  readonly authority: string;
  readonly headers: IncomingHttpHeaders;
  /** Aborts when the other side gives the flow up, or the session ends, before it is answered. */
  readonly signal: AbortSignal;
  /** For who passes first bytes on, or tells news, before the answer. Not to be written to until then. */
  readonly stream: ServerHttp2Stream;
  /** Answers 200. Where the other side is gone already, the flow is one that was reset. */
  accept(headers?: OutgoingHttpHeaders): Flow;
  /** Answers with the refusal's status. */
  refuse(refusal: Refusal): void;
}

/** Serves calls: what connectNodeAdapter returns. */
export type RpcHandler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** What the end of a session that takes flows does with them. */
export interface ServeOptions {
  /** Takes a flow. Without it flows are forbidden. */
  readonly onFlow?: (flow: IncomingFlow) => void;
  /** Takes any other request raw and returns true, or leaves it to `rpc`. */
  readonly onRequest?: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;
  /** Serves the requests that nobody took. Without it they get 404. */
  readonly rpc?: RpcHandler;
}

/** The end of a session that takes flows and serves calls. */
export interface ServerSession extends SessionLife {
  /** Streams of any kind that are not closed yet. */
  readonly openStreams: number;
}

interface Deps extends ServeOptions {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** What each flow may have under way towards this end, unread, where `windows` do not decide. */
  readonly windowBytes?: number;
  /** Of all sessions with the same other end. */
  readonly windows?: ReceiveWindows;
}

/** No `date` header: nobody caches a flow. */
const answering = { endStream: false, sendDate: false };
const refusing = { endStream: true, sendDate: false };

/** Starts HTTP/2 as the server on a connection where everything written has been flushed. */
export function serveSession(duplex: Duplex, deps: Deps): ServerSession {
  assertAlive(duplex);
  const session = http2.performServerHandshake(
    duplex,
    serverSessionOptions(deps.windows?.streamBytes ?? deps.windowBytes),
  );
  const life = holdSession(deps, session, duplex);
  session.on('stream', (stream, headers, _flags, rawHeaders) => {
    life.hold(stream);
    take(deps, stream, headers, rawHeaders);
  });
  return {
    get isOpen() {
      return life.isOpen;
    },
    get openStreams() {
      return life.openStreams;
    },
    get bytesReceived() {
      return life.bytesReceived;
    },
    retired: life.retired,
    closed: life.closed,
    renewalAsked: life.renewalAsked,
    askForRenewal: life.askForRenewal,
    ping: life.ping,
    close: life.close,
    destroy: life.destroy,
    [Symbol.asyncDispose]: () => life[Symbol.asyncDispose](),
  };
}

function take(
  options: ServeOptions,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
): void {
  if (headers[':method'] === 'CONNECT') {
    const asked = readConnect(headers);
    if (asked === undefined) answerOnly(stream, { ':status': 501 });
    else if (options.onFlow === undefined) answerOnly(stream, refusalHeaders('Forbidden'));
    else options.onFlow(incomingFlow(stream, headers, asked));
    return;
  }
  if (options.onRequest?.(stream, headers) === true) return;
  if (options.rpc === undefined) {
    answerOnly(stream, { ':status': 404 });
    return;
  }
  // The compatibility objects are made here, for calls only: flows do without them.
  const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
  options.rpc(request, new Http2ServerResponse(stream));
}

function incomingFlow(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { kind, authority }: FlowTarget,
): IncomingFlow {
  let abort: AbortController | undefined;
  const gone = (): void => abort?.abort(new TunnelError('Reset', `flow ${authority}: given up`));
  return {
    kind,
    authority,
    headers,
    stream,
    get signal() {
      if (abort === undefined) {
        abort = new AbortController();
        if (stream.destroyed || stream.closed) gone();
        else stream.once('close', gone);
      }
      return abort.signal;
    },
    accept(extra) {
      stream.off('close', gone);
      if (canAnswer(stream)) stream.respond({ ...extra, ':status': 200 }, answering);
      return { authority, headers, stream };
    },
    refuse(refusal) {
      stream.off('close', gone);
      answerOnly(stream, refusalHeaders(refusal));
    },
  };
}

function canAnswer(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed && !stream.headersSent;
}

/** Answers with headers alone. */
export function answerOnly(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (canAnswer(stream)) stream.respond(headers, refusing);
}
