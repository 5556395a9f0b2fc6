import http2 from 'node:http2';
import type {
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { toError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { TunnelError } from './errors.ts';
import type { Flow } from './flow.ts';
import type { ReceiveWindows } from './receive-windows.ts';
import { connectHeaders, type FlowKind } from './flow-kind.ts';
import { refusalError, refusalOf } from './refusal.ts';
import { assertAlive, holdSession } from './session-life.ts';
import type { SessionLife } from './session-life.ts';
import { clientSessionOptions } from './session-options.ts';

/** Where a flow is to go. */
export interface FlowRequest {
  /** host:port, or the intercept's UID. */
  readonly authority: string;
  /** What of that address is meant; `tcp` unless it is said. */
  readonly kind?: FlowKind | undefined;
  /** Further headers of the CONNECT. */
  readonly headers?: OutgoingHttpHeaders;
  /** Gives the flow up while it is not accepted; afterwards it does nothing. */
  readonly signal: AbortSignal;
}

/** A flow that may be written to before the other side has accepted it. */
export interface BegunFlow {
  readonly flow: Flow;
  /** Resolves with the flow and the response's headers; rejects with a TunnelError or the signal's reason. */
  readonly accepted: Promise<Flow>;
}

/** The end of a session that opens flows and makes calls. */
export interface ClientSession extends SessionLife {
  /** CONNECT streams that are not closed yet. */
  readonly openFlows: number;
  /** Bytes given to flows that have not gone into the connection yet; up to 10 ms old. */
  readonly unsentBytes: number;
  /** Opens a flow; bytes may be written at once. */
  beginFlow(request: FlowRequest): BegunFlow;
  /** Opens a flow and waits until the other side has accepted it. */
  openFlow(request: FlowRequest): Promise<Flow>;
  /** Any other request; the caller owns the stream, whose errors never go unhandled. */
  request(headers: OutgoingHttpHeaders, options?: ClientSessionRequestOptions): ClientHttp2Stream;
}

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** What each flow may have under way towards this end, unread, where `windows` do not decide. */
  readonly windowBytes?: number;
  /** Of all sessions with the same other end. */
  readonly windows?: ReceiveWindows;
}

/** Starts HTTP/2 as the client on a connection where everything written has been flushed. */
export function openClientSession(duplex: Duplex, deps: Deps): ClientSession {
  assertAlive(duplex);
  const session = http2.connect('http://tunnel', {
    ...clientSessionOptions(deps.windows?.streamBytes ?? deps.windowBytes),
    createConnection: () => duplex,
  });
  const life = holdSession(deps, session, duplex);
  const flows = new Set<ClientHttp2Stream>();
  const unsent = unsentBytesOf(deps.clock, flows);

  const request: ClientSession['request'] = (headers, options) => {
    const stream = session.request(headers, options);
    life.hold(stream);
    return stream;
  };
  const beginFlow = ({ authority, kind = 'tcp', headers, signal }: FlowRequest): BegunFlow => {
    signal.throwIfAborted();
    const stream = request({ ...headers, ...connectHeaders(kind, authority) });
    flows.add(stream);
    stream.once('close', () => flows.delete(stream));
    const flow = { authority, headers: {}, stream };
    return { flow, accepted: answerOf(stream, authority, signal) };
  };

  return {
    get isOpen() {
      return life.isOpen;
    },
    get openFlows() {
      return flows.size;
    },
    get unsentBytes() {
      return unsent();
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
    beginFlow,
    openFlow: async (request) => beginFlow(request).accepted,
    request,
    [Symbol.asyncDispose]: () => life[Symbol.asyncDispose](),
  };
}

/** Waits for the answer to a CONNECT. */
function answerOf(
  stream: ClientHttp2Stream,
  authority: string,
  signal: AbortSignal,
): Promise<Flow> {
  const answer = Promise.withResolvers<Flow>();
  // Whoever only writes need not wait for the answer.
  answer.promise.catch(() => {});
  const onAbort = (): void => {
    answer.reject(signal.reason);
    stream.destroy(toError(signal.reason));
  };
  const onResponse = (headers: IncomingHttpHeaders & { ':status'?: number }): void => {
    settle();
    const refusal = refusalOf(headers);
    if (refusal === undefined) {
      answer.resolve({ authority, headers, stream });
      return;
    }
    const error = refusalError(refusal, authority);
    answer.reject(error);
    stream.destroy(error);
  };
  const onClose = (): void => {
    settle();
    answer.reject(lostBeforeAnswer(stream, authority));
  };
  const settle = (): void => {
    signal.removeEventListener('abort', onAbort);
    stream.off('response', onResponse);
    stream.off('close', onClose);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  stream.once('response', onResponse);
  stream.once('close', onClose);
  return answer.promise;
}

function lostBeforeAnswer(stream: ClientHttp2Stream, authority: string): TunnelError {
  if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) {
    return refusalError('Unavailable', authority);
  }
  const cause = stream.errored ?? undefined;
  return new TunnelError('Lost', `connect ${authority}: lost before it was answered`, { cause });
}

/** Sums what flows have not sent; remembered for a moment, since new flows ask in bursts. */
function unsentBytesOf(
  clock: Pick<Clock, 'monotonic'>,
  flows: ReadonlySet<ClientHttp2Stream>,
): () => number {
  let at = -Infinity;
  let bytes = 0;
  return () => {
    const now = clock.monotonic();
    if (now - at > 10) {
      at = now;
      bytes = 0;
      for (const stream of flows) bytes += stream.writableLength;
    }
    return bytes;
  };
}
