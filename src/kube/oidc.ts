import type http from 'node:http';
import https from 'node:https';
import * as v from 'valibot';
import { describe } from '#base/errors.ts';
import { KubeError } from './errors.ts';
import type { Credentials } from './cluster-access.ts';
import { readText } from './request.ts';
import { parseJson } from './status.ts';

const discoverySchema = v.object({ token_endpoint: v.string() });
const tokenSchema = v.object({
  id_token: v.pipe(v.string(), v.minLength(1, 'the issuer gives no ID token')),
  refresh_token: v.nullish(v.string()),
});
const claimsSchema = v.object({ exp: v.number() });

const aheadMs = 10_000;
const answerMs = 10_000;
const longestAnswerBytes = 1024 * 1024;

/**
 * The ID token of kubeconfig's `auth-provider: oidc`, renewed with its refresh token when it has
 * run out (OpenID Connect Core 12). The new tokens are kept in memory, never written back.
 */
export function oidcTokens(
  deps: { readonly now: () => number },
  config: Readonly<Record<string, string>>,
  readCa: () => Promise<string | undefined>,
): () => Promise<Credentials> {
  let idToken = config['id-token'];
  let refreshToken = config['refresh-token'];
  return async () => {
    const expires = expiryOf(idToken);
    if (idToken === undefined || expires - aheadMs <= deps.now()) {
      const fresh = await refresh(config, refreshToken, await readCa());
      idToken = fresh.id_token;
      refreshToken = fresh.refresh_token ?? refreshToken;
    }
    return { authorization: `Bearer ${idToken}`, refreshAt: expiryOf(idToken) - aheadMs };
  };
}

async function refresh(
  config: Readonly<Record<string, string>>,
  refreshToken: string | undefined,
  ca: string | undefined,
): Promise<v.InferOutput<typeof tokenSchema>> {
  const issuer = config['idp-issuer-url'];
  const clientId = config['client-id'];
  if (issuer === undefined || clientId === undefined || refreshToken === undefined) {
    throw new KubeError(
      'Unauthorized',
      'the OIDC token has expired and cannot be renewed: sign in again',
    );
  }
  try {
    const well = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const discovery = v.parse(discoverySchema, parseJson(await ask(well, { ca })));
    const secret = config['client-secret'] ?? '';
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken });
    body.set('client_id', clientId);
    if (secret !== '') body.set('client_secret', secret);
    const answer = await ask(discovery.token_endpoint, { ca, body: body.toString() });
    return v.parse(tokenSchema, parseJson(answer));
  } catch (error) {
    throw new KubeError('Unauthorized', `the OIDC token cannot be renewed: ${describe(error)}`, {
      cause: error,
    });
  }
}

async function ask(
  url: string,
  options: { readonly ca: string | undefined; readonly body?: string },
): Promise<string> {
  const answer = Promise.withResolvers<http.IncomingMessage>();
  const request = https.request(url, {
    method: options.body === undefined ? 'GET' : 'POST',
    signal: AbortSignal.timeout(answerMs),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    headers:
      options.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' },
  });
  request.on('error', answer.reject);
  request.on('response', answer.resolve);
  request.end(options.body);
  const response = await answer.promise;
  if (response.statusCode === 200) return await readText(response, longestAnswerBytes);
  response.destroy();
  throw new Error(`${url}: HTTP ${String(response.statusCode)}`);
}

function expiryOf(token: string | undefined): number {
  const payload = Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString('utf8');
  const claims = v.safeParse(claimsSchema, parseJson(payload));
  return claims.success ? claims.output.exp * 1000 : 0;
}
