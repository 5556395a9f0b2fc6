import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createKubeClient } from './client.ts';
import { createRelayDialer, type RelayPath } from './dial-relay.ts';
import { isKubeError } from './errors.ts';
import { startTestApiServer, statusBody, type TestApiServer } from './test-api-server.ts';

const signal = AbortSignal.timeout(20_000);
const target = { namespace: 'ambassador', service: 'traffic-manager', portName: 'api' };
const request = { path: '/tunnel/default/me/control', nonce: 'bm9uY2U=', signal };

function dialer(server: TestApiServer, remembered?: RelayPath) {
  const client = createKubeClient({ access: server.access, clock: systemClock, userAgent: 'test' });
  let passed = 0;
  const clock = { ...systemClock, monotonic: () => passed };
  const tried: string[] = [];
  const made = createRelayDialer(
    { access: server.access, client, clock, random: () => 0 },
    {
      target,
      pin: { ca: '', serverName: 'relay.test' },
      remembered,
      onOutcome: ({ via, error }) => tried.push(`${via} ${error?.code ?? 'works'}`),
    },
  );
  return { made, tried, client, pass: (ms: number) => (passed += ms) };
}

test('the remembered path is tried first, for ten minutes; then the best again', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 404;
    response.end(statusBody(404, 'NotFound', 'services "traffic-manager" not found'));
  });
  const { made, tried, client, pass } = dialer(server, 'port-forward');
  await using _client = client;
  await assert.rejects(made.dial(request), (error) => {
    assert.ok(isKubeError(error, 'NotFound'));
    assert.match(error.message, /no way to the traffic-manager: .*; service proxy ambassador/);
    return true;
  });
  pass(11 * 60_000);
  await assert.rejects(made.dial(request));
  assert.deepEqual(tried, [
    'port-forward NotFound',
    'service-proxy NotFound',
    'service-proxy NotFound',
    'port-forward NotFound',
  ]);
});

test('who is not signed in is told so once', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 401;
    response.end(statusBody(401, 'Unauthorized', 'Unauthorized'));
  });
  const { made, tried, client } = dialer(server);
  await using _client = client;
  await assert.rejects(made.dial(request), (error) => isKubeError(error, 'Unauthorized'));
  assert.deepEqual(tried, ['service-proxy Unauthorized']);
});

test('a proxy that hangs costs two seconds, and the next path is tried', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 403;
    response.end(statusBody(403, 'Forbidden', 'no services for you'));
  });
  // An upgrade is neither answered nor refused.
  server.http.on('upgrade', (_request, socket: Duplex) => socket.on('error', () => {}));
  const { made, tried, client } = dialer(server);
  await using _client = client;
  await assert.rejects(made.dial(request), (error) => {
    assert.ok(isKubeError(error, 'Unreachable'));
    assert.match(error.message, /no answer within 2000 ms; .*no services for you/);
    return true;
  });
  assert.deepEqual(tried, ['service-proxy Unreachable', 'port-forward Forbidden']);
});

test('a path that has worked is not given up for a restart of the API server or the manager', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 503;
    response.end(statusBody(503, 'ServiceUnavailable', 'no endpoints available'));
  });
  let there = true;
  server.http.on('upgrade', (_request, socket: Duplex) => {
    socket.on('error', () => {});
    const gone = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n';
    const here =
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    socket.write(there ? here : gone);
  });
  const { made, tried, client, pass } = dialer(server);
  await using _client = client;
  const { duplex } = await made.dial(request);
  duplex.destroy();
  there = false;
  await assert.rejects(made.dial(request));
  pass(7000);
  await assert.rejects(made.dial(request));
  assert.deepEqual(tried.splice(0), [
    'service-proxy works',
    'service-proxy Unavailable',
    'service-proxy Unavailable',
  ]);
  pass(2000);
  await assert.rejects(made.dial(request));
  assert.deepEqual(tried, ['service-proxy Unavailable', 'port-forward Unavailable']);
});
