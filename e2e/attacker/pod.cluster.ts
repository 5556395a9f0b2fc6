// Runs in the network of a pod that anybody may have: it can dial every port of every pod.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import tls from 'node:tls';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { enterAsAgent, type AgentRole } from '#tunnel/agent-handshake.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { serveSession } from '#tunnel/server-session.ts';
import { encodeNonce, newNonce, nonceHeader } from '#tunnel/handshake-proof.ts';
import { createSigner } from '#tunnel/keys.ts';
import { enterAsLaptop } from '#tunnel/laptop-handshake.ts';
import { unknownUid } from '../objects.ts';

const env = (name: string): string => process.env[name] ?? '';
const manager = env('E2E_MANAGER_IP');
const clock = systemClock;
const signal = AbortSignal.timeout(60_000);

async function dialTls(port: number): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: manager, port, rejectUnauthorized: false });
  socket.on('error', () => {});
  await once(socket, 'secureConnect', { signal });
  return socket;
}

async function enter(token: string, role: AgentRole): Promise<tls.TLSSocket | string> {
  const socket = await dialTls(8081);
  try {
    await enterAsAgent({ clock }, socket, { role, token, signal });
    return socket;
  } catch (error) {
    socket.destroy();
    return error instanceof TunnelError ? error.code : String(error);
  }
}

test('without a good token there is no agent', async () => {
  const bad = {
    'of a pod without an agent': env('E2E_TOKEN_OWN'),
    none: '',
    garbage: 'garbage',
    'a token without signature': `${env('E2E_TOKEN_OTHER').split('.').slice(0, 2).join('.')}.`,
    'a token for the API server': env('E2E_TOKEN_API'),
    'a token of no pod': env('E2E_TOKEN_UNBOUND'),
    'a token of a pod that is gone': env('E2E_TOKEN_GONE'),
    'very long': 'x'.repeat(16_000),
  };
  for (const [what, token] of Object.entries(bad)) {
    for (const role of ['control', 'inbound', 'outbound'] as const) {
      assert.equal(await enter(token, role), 'Unproven', `${what}, ${role}`);
    }
  }
});

test('a port for agents takes nothing but agents', async () => {
  for (const words of [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
    '\xff\xff',
    '\0\0',
  ]) {
    const socket = await dialTls(8081);
    socket.resume();
    socket.write(words, 'latin1');
    await once(socket, 'close', { signal: AbortSignal.timeout(15_000) });
  }
  const plain = net.connect({ host: manager, port: 8081 });
  plain.on('error', () => {});
  plain.resume();
  plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(plain, 'close', { signal: AbortSignal.timeout(15_000) });
});

test('the agent of one pod opens nothing for an intercept of another', async () => {
  const socket = await enter(env('E2E_TOKEN_OTHER'), 'inbound');
  if (typeof socket === 'string') assert.fail(socket);
  await using session = openClientSession(socket, { log: silentLogger, clock });
  for (const authority of [env('E2E_INTERCEPT'), unknownUid, '127.0.0.1:10250']) {
    await assert.rejects(session.openFlow({ authority, signal }), { code: 'Forbidden' });
  }
});

test('nor is it given the flows of the workload that is intercepted', async () => {
  const socket = await enter(env('E2E_TOKEN_OTHER'), 'outbound');
  if (typeof socket === 'string') assert.fail(socket);
  const seen: string[] = [];
  await using _session = serveSession(socket, {
    log: silentLogger,
    clock,
    onFlow(flow) {
      seen.push(flow.authority);
      flow.refuse('Refused');
    },
    onRequest(_stream, headers) {
      seen.push(headers[':path'] ?? '');
      return false;
    },
  });
  await clock.sleep(Number(env('E2E_LISTEN_MS')), signal);
  assert.deepEqual(seen, []);
});

function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  https
    .get({ host: manager, port: 10250, path, headers, rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
    .on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    })
    .on('error', reject);
  return promise;
}

test('the port behind the API server’s proxy gives nothing to who dials it directly', async () => {
  assert.equal(await get('/healthz'), 200);
  for (const path of ['/', '/metrics', '/debug/pprof', '/telepresence.v1.Cluster/WatchCluster']) {
    assert.equal(await get(path), 404, path);
  }
  // Who the API server says that one is, said by oneself.
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'x-remote-user': 'alice',
    'x-forwarded-user': 'alice',
    authorization: 'Bearer x',
    [nonceHeader]: encodeNonce(newNonce()),
  };
  assert.equal(await get(`${env('E2E_CONNECTION_PATH')}/admin`, upgrade), 404);
  assert.equal(await get('/tunnel/nowhere/nobody/control', upgrade), 404);
  assert.equal(await get(`${env('E2E_CONNECTION_PATH')}/control`, upgrade), 101);
});

test('and its way in asks for the same proof', async () => {
  const laptopNonce = newNonce();
  const socket = await dialTls(10250);
  socket.write(
    `GET ${env('E2E_CONNECTION_PATH')}/outbound HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
      `Upgrade: websocket\r\n${nonceHeader}: ${encodeNonce(laptopNonce)}\r\n\r\n`,
  );
  let head = '';
  while (!head.endsWith('\r\n\r\n')) {
    const byte: unknown = socket.read(1);
    if (Buffer.isBuffer(byte)) head += byte.toString('latin1');
    else await once(socket, 'readable', { signal });
  }
  assert.match(head, /^HTTP\/1.1 101 /);
  const entering = enterAsLaptop({ clock, signer: createSigner() }, socket, {
    connectionUid: env('E2E_CONNECTION_UID'),
    role: 'outbound',
    laptopNonce,
    managerKey: env('E2E_MANAGER_KEY'),
    signal,
  });
  await assert.rejects(entering, { code: 'Unproven', message: /did not sign/ });
});

/** What comes of dialling the intercepted pod. */
async function answerOf(port: number): Promise<string> {
  const socket = net.connect({ host: env('E2E_POD_IP'), port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(3000) });
    socket.write('GET / HTTP/1.0\r\n\r\n');
    return (await text(socket)).split('\r\n')[0] ?? '';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
  }
}

test('an agent’s own port is nobody’s: what was not redirected is refused', async () => {
  for (let round = 0; round < 5; round += 1) {
    assert.match(await answerOf(9900), /^(ECONNREFUSED|ECONNRESET|)$/);
  }
  assert.equal(await answerOf(9901), 'ECONNREFUSED');
  // The app's port is the intercepted one, and is answered by the laptop.
  assert.match(await answerOf(8080), /^HTTP\/1\.\d 200/);
});
