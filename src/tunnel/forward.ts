import type { ClientHttp2Stream, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { ClientSession } from './client-session.ts';
import { answerOnly } from './server-session.ts';
import { splice } from './splice.ts';
import type { SpliceEnd } from './splice.ts';

/**
 * Hands a request (not a flow) on to another session as it came: headers, body, trailers and
 * resets, both ways, none of it read here. Resolves, never rejects, with how it ended.
 */
export async function forwardRequest(
  incoming: ServerHttp2Stream,
  headers: OutgoingHttpHeaders,
  session: Pick<ClientSession, 'request' | 'isOpen'>,
): Promise<SpliceEnd> {
  if (!session.isOpen) {
    answerOnly(incoming, { ':status': 503 });
    return { kind: 'finished' };
  }
  const outgoing = session.request(headers, { endStream: false, waitForTrailers: true });
  passTrailers(incoming, outgoing);
  passTrailers(outgoing, incoming);
  // Where the connection is no socket, DATA may be emitted before `response`; written to a stream
  // that has not responded, it would make Node answer 200 by itself.
  incoming.cork();
  outgoing.once('response', (answer) => {
    if (incoming.destroyed || incoming.closed) return;
    incoming.respond({ ...answer }, { waitForTrailers: true });
    incoming.uncork();
  });
  return splice(incoming, outgoing).ended;
}

/** Sends on `to` the trailers that came on `from`, or none; called for once its body is sent. */
function passTrailers(
  from: ServerHttp2Stream | ClientHttp2Stream,
  to: ServerHttp2Stream | ClientHttp2Stream,
): void {
  let trailers: OutgoingHttpHeaders = {};
  from.once('trailers', (received) => {
    trailers = { ...received };
  });
  to.once('wantTrailers', () => to.sendTrailers(trailers));
}
