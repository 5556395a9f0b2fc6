import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import fc from 'fast-check';
import { nearlyJson, nearlyText } from '#base/nearly.fixture.ts';
import { isKubeError, KubeError } from './errors.ts';
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

test('whatever an issuer says: a token, or a KubeError that shows no secret, in time', async () => {
  const certificate = selfSigned('/CN=issuer', 'IP:127.0.0.1');
  let said = { status: 200, discovery: '', token: '' };
  let asked = 0;
  const server = https.createServer(certificate, (request, response) => {
    asked += 1;
    request.resume();
    response.on('error', () => {});
    response.statusCode = said.status;
    response.end(request.method === 'GET' ? said.discovery : said.token);
  });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => server.closeAllConnections());
  stack.defer(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const issuer = `https://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}`;
  const config = {
    'idp-issuer-url': issuer,
    'client-id': 'kubernetes',
    'client-secret': 'tohp-terces',
    'refresh-token': 'r1-terces',
  };
  const read = async (more: Record<string, string> = {}): Promise<void> => {
    const tokens = oidcTokens(
      { now: () => 0 },
      { ...config, ...more },
      async () => certificate.cert,
    );
    try {
      const { authorization, refreshAt } = await tokens();
      assert.match(authorization ?? '', /^Bearer ./s);
      assert.equal(typeof refreshAt, 'number');
    } catch (error) {
      assert.ok(error instanceof KubeError, String(error));
      assert.equal(error.code, 'Unauthorized');
      assert.doesNotMatch(error.message, /terces/);
    }
  };
  const text = (one: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
    one.map((value) => JSON.stringify(value) ?? '');
  const endpoint = [
    { token_endpoint: `${issuer}/token` },
    { token_endpoint: 'http://127.0.0.1:1/' },
  ];
  const answers = [
    { id_token: token('new', 300), refresh_token: 'r2' },
    { id_token: token('x', 1e300) },
  ];
  const any = fc.record({
    status: fc.constantFrom(200, 200, 200, 302, 404, 500),
    discovery: fc.oneof(fc.constant(JSON.stringify(endpoint[0])), text(nearlyJson(endpoint))),
    token: fc.oneof(text(nearlyJson(answers)), fc.string(), fc.constant('{"id_token":""}')),
  });
  const kept = nearlyText([token('old', 200), 'a.b.c'], ['.', '=', '_', 'e30', '\n']);
  await fc.assert(
    fc.asyncProperty(any, kept, async (answer, idToken) => {
      said = answer;
      await read({ 'id-token': idToken });
    }),
    { numRuns: 150 },
  );
  assert.ok(asked > 150);
  said = { status: 200, discovery: `"${'x'.repeat(2 ** 21)}"`, token: '' };
  const endless = oidcTokens({ now: () => 0 }, config, async () => certificate.cert);
  await assert.rejects(endless(), /renewed: the answer is longer than 1048576 bytes/);
  for (const url of ['no address', 'http://127.0.0.1', 'https://']) {
    await read({ 'idp-issuer-url': url });
  }
  const noCa = oidcTokens({ now: () => 0 }, config, async () => 'no certificate');
  await assert.rejects(noCa(), { code: 'Unauthorized' });
});
