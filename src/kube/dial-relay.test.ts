import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createKubeClient } from './client.ts';
import { createRelayDialer, isHopeless } from './dial-relay.ts';
import { isKubeError } from './errors.ts';
import type { RelayPath } from './relay-paths.ts';
import {
  startTestApiServer,
  statusBody,
  switching,
  type TestApiServer,
} from './test-api-server.ts';
import { createWebSocketDuplex, tunnelProtocol } from './websocket-duplex.ts';

const signal = AbortSignal.timeout(20_000);
const target = { namespace: 'ambassador', service: 'traffic-manager', portName: 'api' };
const request = {
  path: '/tunnel/default/me/control',
  nonce: 'bm9uY2U=',
  signal,
  enter: async (duplex: Duplex) => void duplex.destroy(),
};

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

test('the remembered path is tried first, then the others from the best on', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 404;
    response.end(statusBody(404, 'NotFound', 'services "traffic-manager" not found'));
  });
  const { made, tried, client } = dialer(server, 'port-forward');
  await using _client = client;
  await assert.rejects(made.dial(request), (error) => {
    assert.ok(isKubeError(error, 'NotFound'));
    assert.match(
      error.message,
      /no way to the traffic-manager: service proxy ambassador.*; get service/,
    );
    return true;
  });
  // Without a 101 there is nothing that frames could mend.
  assert.deepEqual(tried, ['port-forward NotFound', 'service-proxy NotFound']);
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
  server.http.on('upgrade', (asked, socket: Duplex) => {
    socket.on('error', () => {});
    const gone = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n';
    socket.write(there ? switching(asked) : gone);
  });
  const { made, tried, client, pass } = dialer(server);
  await using _client = client;
  await made.dial(request);
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

/** Answers upgrades as a relay behind something that passes whole messages only. */
function passMessagesOnly(server: TestApiServer): { isOpen: boolean } {
  const state = { isOpen: true };
  server.http.on('upgrade', (asked, socket: Duplex) => {
    socket.on('error', () => {});
    const framed = asked.headers['sec-websocket-protocol'] === tunnelProtocol;
    if (framed && state.isOpen) {
      socket.write(switching(asked, `Sec-WebSocket-Protocol: ${tunnelProtocol}`));
      const relay = createWebSocketDuplex(socket, { end: 'server', what: 'relay' });
      relay.on('error', () => {});
      relay.write('challenge');
    } else if (framed) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
    } else {
      // A Close frame: a protocol error.
      socket.end(Buffer.concat([Buffer.from(switching(asked)), Buffer.from([0x88, 2, 3, 0xea])]));
    }
  });
  return state;
}

async function challenged(duplex: Duplex, waiting: AbortSignal): Promise<string> {
  const [chunk] = await once(duplex, 'data', { signal: waiting });
  const text = String(chunk);
  duplex.destroy();
  if (text !== 'challenge') throw new Error('not the relay');
  return text;
}

test('a path has worked when the relay’s words arrive: what garbles raw bytes gets frames', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 403;
    response.end(statusBody(403, 'Forbidden', 'no'));
  });
  passMessagesOnly(server);
  const { made, tried, client } = dialer(server);
  await using _client = client;
  const first = await made.dial({ ...request, enter: challenged });
  assert.deepEqual(first, { entered: 'challenge', via: 'websocket' });
  await made.dial({ ...request, enter: challenged });
  assert.deepEqual(tried, ['service-proxy Unreachable', 'websocket works', 'websocket works']);
});

test('a better path is taken again as soon as it is tried and works', async () => {
  await using server = await startTestApiServer((_request, response) => {
    response.statusCode = 403;
    response.end(statusBody(403, 'Forbidden', 'no'));
  });
  const state = passMessagesOnly(server);
  const { made, tried, client } = dialer(server, 'port-forward');
  await using _client = client;
  const enter = async (duplex: Duplex, waiting: AbortSignal): Promise<void> => {
    await challenged(duplex, waiting);
  };
  state.isOpen = false;
  assert.equal(await made.tryBetter({ ...request, enter }), false);
  state.isOpen = true;
  assert.equal(await made.tryBetter({ ...request, enter }), true);
  await made.dial({ ...request, enter });
  assert.deepEqual(tried, [
    'service-proxy Unreachable',
    'websocket Unavailable',
    'service-proxy Unreachable',
    'websocket works',
    'websocket works',
  ]);
});

test('waiting mends neither a lost Upgrade nor silence, but a restart', async () => {
  const failure = async (
    answer: Parameters<typeof startTestApiServer>[0],
    prepare: (server: TestApiServer) => void = () => {},
  ): Promise<boolean> => {
    await using server = await startTestApiServer(answer);
    prepare(server);
    const { made, client } = dialer(server);
    await using _client = client;
    const error: unknown = await made.dial(request).catch((thrown: unknown) => thrown);
    return isHopeless(error);
  };
  const says = (status: number, reason: string) => (_: unknown, response: ServerResponse) => {
    response.statusCode = status;
    response.end(statusBody(status, reason, reason));
  };
  assert.equal(await failure(says(426, 'Upgrade required')), true);
  assert.equal(await failure(says(503, 'ServiceUnavailable')), false);
  const silent = (server: TestApiServer): void => {
    server.http.on('upgrade', (_request, socket: Duplex) => socket.on('error', () => {}));
  };
  assert.equal(await failure(says(403, 'Forbidden'), silent), true);
  const cut = (server: TestApiServer): void => {
    server.http.on('upgrade', (_request, socket: Duplex) => socket.destroy());
  };
  assert.equal(await failure(says(403, 'Forbidden'), cut), false);
});
