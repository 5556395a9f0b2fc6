import { createPrivateKey, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import type { Credentials } from './cluster-access.ts';
import { parseJson } from './status.ts';

/** Which of a kubeconfig's certificates and keys TLS cannot use, as a sentence. */
export function brokenMaterial(material: {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly user: string;
}): string {
  const { ca, cert, key, user } = material;
  if (cert !== undefined && !succeeds(() => new X509Certificate(cert))) {
    return `the client certificate of user ${user} in the kubeconfig is not a certificate`;
  }
  if (key !== undefined && !succeeds(() => createPrivateKey(key))) {
    return `the client key of user ${user} in the kubeconfig is not a private key`;
  }
  if (ca !== undefined && !succeeds(() => new X509Certificate(ca))) {
    return 'the certificate authority in the kubeconfig is not a certificate';
  }
  return `the client certificate and key of user ${user} in the kubeconfig do not belong together`;
}

/** What can be seen of credentials that the API server has refused: mostly that they are too old. */
export function refusalOf(
  { cert, authorization }: Credentials,
  about: { readonly user: string; readonly nowMs: number },
): string {
  const { user, nowMs } = about;
  if (authorization !== undefined) {
    const expired = tokenEndMs(authorization);
    return expired !== undefined && expired < nowMs
      ? `the token of user ${user} expired on ${day(expired)}`
      : `the ${authorization.startsWith('Basic ') ? 'password' : 'token'} of user ${user} is not valid`;
  }
  if (cert === undefined) return `user ${user} of the kubeconfig has neither certificate nor token`;
  const end = certificateEndMs(cert);
  return end !== undefined && end < nowMs
    ? `the client certificate of user ${user} expired on ${day(end)}`
    : `the client certificate of user ${user} is not valid`;
}

function certificateEndMs(cert: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(cert).validTo);
  } catch {
    return undefined;
  }
}

const claims = v.object({ exp: v.number() });

/** When a JSON Web Token ends; undefined for another kind of token. */
function tokenEndMs(authorization: string): number | undefined {
  const [, payload] = authorization.replace(/^Bearer /, '').split('.');
  if (payload === undefined) return undefined;
  const parsed = v.safeParse(claims, parseJson(Buffer.from(payload, 'base64url').toString('utf8')));
  const ms = parsed.success ? parsed.output.exp * 1000 : Number.NaN;
  // What is no date says nothing.
  return Number.isNaN(new Date(ms).getTime()) ? undefined : ms;
}

function succeeds(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

const day = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace(/:\d\d\.\d+Z$/, ' UTC')
    .replace('T', ' ');
