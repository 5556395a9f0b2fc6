import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { systemCode } from '#base/errors.ts';
import { refusals, TunnelError } from './errors.ts';
import type { Refusal } from './errors.ts';

/** RFC 9209's name of the same thing, where one status stands for two refusals. */
const answers: Readonly<Record<Refusal, { status: number; proxyError: string }>> = {
  Refused: { status: 502, proxyError: 'connection_refused' },
  Unreachable: { status: 502, proxyError: 'destination_ip_unroutable' },
  Forbidden: { status: 403, proxyError: 'destination_ip_prohibited' },
  Unavailable: { status: 503, proxyError: 'destination_unavailable' },
  TimedOut: { status: 504, proxyError: 'connection_timeout' },
};

/** The response headers that refuse a CONNECT. */
export function refusalHeaders(refusal: Refusal): OutgoingHttpHeaders {
  const { status, proxyError } = answers[refusal];
  return { ':status': status, 'proxy-status': `telepresence; error=${proxyError}` };
}

/** The refusal in a CONNECT response, or undefined where the flow was accepted. */
export function refusalOf(
  headers: IncomingHttpHeaders & { ':status'?: number },
): Refusal | undefined {
  const status = headers[':status'] ?? 0;
  if (status >= 200 && status < 300) return undefined;
  const named = /;\s*error=([a-z_]+)/.exec(String(headers['proxy-status'] ?? ''))?.[1];
  return (
    refusals.find((refusal) => answers[refusal].proxyError === named) ??
    refusals.find((refusal) => answers[refusal].status === status) ??
    'Unavailable'
  );
}

/** What a failed dial amounts to, by the system's code; all others are `Unreachable`. */
const systemRefusals: ReadonlyMap<string, Refusal> = new Map([
  ['ECONNREFUSED', 'Refused'],
  ['ECONNRESET', 'Refused'],
  ['ETIMEDOUT', 'TimedOut'],
  ['EACCES', 'Forbidden'],
  ['EPERM', 'Forbidden'],
]);

/** The refusal to answer with when a dial, or the flow that should carry it on, failed. */
export function refusalForDial(error: unknown): Refusal {
  if (error instanceof TunnelError) {
    return refusals.find((refusal) => refusal === error.code) ?? 'Unavailable';
  }
  return refusalForSystemCode(systemCode(error));
}

/** The refusal that a system's error code amounts to. */
export function refusalForSystemCode(code: string | undefined): Refusal {
  return systemRefusals.get(code ?? '') ?? 'Unreachable';
}

/** A refusal as the error that openFlow rejects with. */
export function refusalError(refusal: Refusal, authority: string): TunnelError {
  const words: Readonly<Record<Refusal, string>> = {
    Refused: 'connection refused',
    Unreachable: 'unreachable',
    Forbidden: 'not allowed',
    Unavailable: 'nobody is there to take it',
    TimedOut: 'timed out',
  };
  return new TunnelError(refusal, `connect ${authority}: ${words[refusal]}`);
}
