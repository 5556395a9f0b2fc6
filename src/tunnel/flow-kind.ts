import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

/**
 * What a flow carries: the bytes of a TCP connection (CONNECT, RFC 9113 §8.5), UDP datagrams (extended
 * CONNECT `connect-udp`, RFC 9298), or ICMP echoes (the same way, for which there is no RFC).
 */
export type FlowKind = 'tcp' | 'udp' | 'echo';

/** Where a flow goes. */
export interface FlowTarget {
  readonly kind: FlowKind;
  /** host:port, an IPv6 address in brackets; or the intercept's UID. */
  readonly authority: string;
}

const protocols = { udp: 'connect-udp', echo: 'connect-echo' } as const;

/** The headers that ask for a flow. */
export function connectHeaders(kind: FlowKind, authority: string): OutgoingHttpHeaders {
  if (kind === 'tcp') return { ':method': 'CONNECT', ':authority': authority };
  const [, host = '', port = '0'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(authority) ?? [];
  return {
    ':method': 'CONNECT',
    ':protocol': protocols[kind],
    ':scheme': 'http',
    ':authority': 'tunnel',
    ':path': `/.well-known/masque/${kind}/${encodeURIComponent(host)}/${port}/`,
    'capsule-protocol': '?1',
  };
}

/** What a CONNECT asks for; undefined for what we do not speak. */
export function readConnect(headers: IncomingHttpHeaders): FlowTarget | undefined {
  const protocol = headers[':protocol'];
  if (protocol === undefined) return { kind: 'tcp', authority: headers[':authority'] ?? '' };
  const match = /^\/\.well-known\/masque\/(udp|echo)\/([-\da-fA-F.:%]{1,100})\/(\d{1,5})\/$/.exec(
    headers[':path'] ?? '',
  );
  const [, named, encoded, port] = match ?? [];
  const kind = named === 'udp' || named === 'echo' ? named : undefined;
  if (kind === undefined || encoded === undefined || protocols[kind] !== protocol) return undefined;
  const host = encoded.replaceAll(/%3a/gi, ':');
  if (host.includes('%')) return undefined;
  // What has no address is an intercept, by its UID: port 0 is nobody's.
  if (port === '0' && !/[.:]/.test(host)) return { kind, authority: host };
  return { kind, authority: `${host.includes(':') ? `[${host}]` : host}:${String(port)}` };
}
