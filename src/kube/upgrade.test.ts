import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { isKubeError } from './errors.ts';
import { startTestApiServer, statusBody, switching } from './test-api-server.ts';
import { openServiceUpgrade } from './upgrade.ts';

const signal = AbortSignal.timeout(20_000);
const options = {
  target: { namespace: 'ambassador', service: 'traffic-manager', portName: 'api' },
  path: '/tunnel/default/me/control',
  headers: { 'telepresence-nonce': 'bm9uY2U=' },
  deadlineMs: 2000,
  signal,
};

test('after the 101 the bytes are raw, those that came with it included', async () => {
  await using server = await startTestApiServer(() => {}, { authorization: 'Bearer t' });
  const asked = Promise.withResolvers<readonly (string | undefined)[]>();
  server.http.on('upgrade', (request, socket: Duplex) => {
    asked.resolve([
      request.url,
      request.headers.authorization,
      request.headers.upgrade,
      request.headers['sec-websocket-version'],
      request.headers['telepresence-nonce']?.toString(),
    ]);
    socket.write(`${switching(request)}first`);
    socket.pipe(socket);
  });
  const duplex = await openServiceUpgrade({ access: server.access, clock: systemClock }, options);
  assert.deepEqual(await asked.promise, [
    '/api/v1/namespaces/ambassador/services/https:traffic-manager:api/proxy/tunnel/default/me/control',
    'Bearer t',
    'websocket',
    '13',
    'bm9uY2U=',
  ]);
  duplex.setEncoding('utf8');
  duplex.write('second');
  let text = '';
  while (text.length < 11) text += String((await once(duplex, 'data', { signal }))[0]);
  assert.equal(text, 'firstsecond');
  duplex.destroy();
});

test('a refusal names status and words; the socket is gone', async () => {
  for (const [status, reason, code] of [
    [403, 'Forbidden', 'Forbidden'],
    [503, 'ServiceUnavailable', 'Unavailable'],
    [404, 'NotFound', 'NotFound'],
  ] as const) {
    await using server = await startTestApiServer((_request, response) => {
      response.statusCode = status;
      response.end(statusBody(status, reason, 'no endpoints available'));
    });
    const deps = { access: server.access, clock: systemClock };
    await assert.rejects(openServiceUpgrade(deps, options), (error) => {
      assert.ok(isKubeError(error, code));
      assert.equal(error.status, status);
      assert.match(error.message, /https:traffic-manager:api: no endpoints available/);
      return true;
    });
    for (const socket of server.sockets) await once(socket, 'close', { signal });
  }
});

test('silence ends at the deadline, an abort at once; an abort after the 101 does nothing', async () => {
  await using server = await startTestApiServer(() => {});
  const deps = { access: server.access, clock: systemClock };
  await assert.rejects(openServiceUpgrade(deps, { ...options, deadlineMs: 50 }), (error) => {
    assert.ok(isKubeError(error, 'Unreachable'));
    assert.match(error.message, /no answer within 50 ms/);
    return true;
  });
  server.http.on('upgrade', (request, socket: Duplex) => {
    socket.write(switching(request));
    socket.pipe(socket);
  });
  const abort = new AbortController();
  const duplex = await openServiceUpgrade(deps, { ...options, signal: abort.signal });
  abort.abort();
  duplex.write('still here');
  assert.equal(String((await once(duplex, 'data', { signal }))[0]), 'still here');
  duplex.destroy();
  await assert.rejects(openServiceUpgrade(deps, { ...options, signal: abort.signal }), /abort/i);
});

test('a 101 that is no WebSocket’s, or of a subprotocol that nobody asked for, is refused', async () => {
  const refused = async (answer: (text: string) => string, words: RegExp): Promise<void> => {
    await using server = await startTestApiServer(() => {});
    server.http.on('upgrade', (request, socket: Duplex) => {
      socket.on('error', () => {});
      socket.write(answer(switching(request)));
    });
    const deps = { access: server.access, clock: systemClock };
    await assert.rejects(openServiceUpgrade(deps, options), (error) => {
      assert.ok(isKubeError(error, 'NoUpgrade'));
      assert.match(error.message, words);
      return true;
    });
  };
  await refused((text) => text.replace(/Accept: .*/, 'Accept: x'), /not a WebSocket’s/);
  await refused((text) => text.replace(/Sec-WebSocket-Accept: .*\r\n/, ''), /not a WebSocket’s/);
  const protocol = 'Sec-WebSocket-Protocol: a';
  await refused((text) => text.replace('\r\n', `\r\n${protocol}\r\n`), /nobody asked for/);
});

test('an Upgrade that got lost on the way is told apart from a refusal', async () => {
  for (const [status, body] of [
    [200, 'ok'],
    [400, 'Upgrade request required'],
    [426, 'upgrade required'],
  ] as const) {
    await using server = await startTestApiServer((_request, response) => {
      response.statusCode = status;
      response.end(body);
    });
    const deps = { access: server.access, clock: systemClock };
    await assert.rejects(openServiceUpgrade(deps, options), (error) => {
      assert.ok(isKubeError(error, 'NoUpgrade'));
      assert.equal(error.status, status);
      return true;
    });
  }
});
