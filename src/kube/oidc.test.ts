import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { isKubeError } from './errors.ts';
import { oidcTokens } from './oidc.ts';
import { selfSigned } from './test-certificates.ts';

function token(name: string, exp: number): string {
  return `e30.${Buffer.from(JSON.stringify({ name, exp })).toString('base64url')}.x`;
}

test('a token is used while it lasts, then renewed with the newest refresh token', async () => {
  const certificate = selfSigned('/CN=issuer', 'IP:127.0.0.1');
  const asked: string[] = [];
  let issuer = '';
  const server = https.createServer(certificate, (request, response) => {
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify({ token_endpoint: `${issuer}/token` }));
      return;
    }
    void text(request).then((body) => {
      asked.push(body);
      const answer = { id_token: token('new', 300), refresh_token: `r${String(asked.length + 1)}` };
      response.end(JSON.stringify(answer));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  issuer = `https://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}`;
  let now = 100_000;
  const config = {
    'idp-issuer-url': issuer,
    'client-id': 'kubernetes',
    'client-secret': 's&',
    'id-token': token('old', 200),
    'refresh-token': 'r1',
  };
  const read = oidcTokens({ now: () => now }, config, async () => certificate.cert);
  assert.deepEqual(await read(), {
    authorization: `Bearer ${token('old', 200)}`,
    refreshAt: 190_000,
  });
  now = 195_000;
  assert.equal((await read()).authorization, `Bearer ${token('new', 300)}`);
  now = 400_000;
  await read();
  assert.deepEqual(asked, [
    'grant_type=refresh_token&refresh_token=r1&client_id=kubernetes&client_secret=s%26',
    'grant_type=refresh_token&refresh_token=r2&client_id=kubernetes&client_secret=s%26',
  ]);
  server.close();
  server.closeAllConnections();
  await assert.rejects(read(), (error) => isKubeError(error, 'Unauthorized'));
});
