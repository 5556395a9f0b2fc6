import type { Http2Stream, IncomingHttpHeaders } from 'node:http2';

/** One TCP connection, or the datagrams between two sockets, on a session: a CONNECT stream. */
export interface Flow {
  /** host:port, or whatever both sides agreed that a flow is for. */
  readonly authority: string;
  /** The other side's headers: its request's or its response's. */
  readonly headers: IncomingHttpHeaders;
  /** The bytes. End it for FIN, `resetEnd` it for a reset; give it to `splice` to obey its ends. */
  readonly stream: Http2Stream;
}
