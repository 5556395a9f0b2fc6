import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { FailureSchema, LaptopHelper, UserDaemon } from '#protocol/gen/telepresence_pb.ts';
import {
  errandPath,
  helperUpgrade,
  tokenHeader,
  type HelperErrand,
} from '#protocol/helper-port.ts';
import { serveSession } from '#tunnel/server-session.ts';
import { serveGuarded } from './guarded-port.ts';
import { createHelperLink } from './laptop-helper.ts';

const token = 'a'.repeat(64);
const signal = AbortSignal.timeout(30_000);

/** A daemon's port on loopback, with nobody behind it yet. */
async function daemon(clock = systemClock) {
  const alone = Promise.withResolvers<undefined>();
  const link = createHelperLink({
    clock,
    log: silentLogger,
    randomUuid: () => randomUUID(),
    onAlone: () => alone.resolve(undefined),
  });
  const port = await serveGuarded(
    {
      log: silentLogger,
      routes: (router) => {
        router.service(UserDaemon, { version: () => ({ version: 'v1' }) });
      },
      onErrand: (errand, socket) => link.take(errand, socket),
    },
    { host: '127.0.0.1', port: 0, token },
  );
  return {
    link,
    port: port.port,
    alone: alone.promise,
    async [Symbol.asyncDispose]() {
      await port[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
    },
  };
}

/** A connection for an errand, or the status that it was refused with. */
async function errand(port: number, what: HelperErrand, given = token): Promise<Duplex | number> {
  const outcome = Promise.withResolvers<Duplex | number>();
  const headers = { ...tokenHeader(given), connection: 'Upgrade', upgrade: helperUpgrade };
  const asked = { host: '127.0.0.1', port, path: errandPath(what), headers, agent: false };
  const request = http.request(asked);
  request.on('upgrade', (_response, socket, head) => {
    if (head.length > 0) socket.unshift(head);
    outcome.resolve(socket);
  });
  request.on('response', (response) => {
    response.destroy();
    outcome.resolve(response.statusCode ?? 0);
  });
  request.on('error', outcome.reject);
  request.end();
  return await outcome.promise;
}

/** A helper that answers as `service` does. */
async function helper(port: number, service: Partial<ServiceImpl<typeof LaptopHelper>>) {
  const socket = await errand(port, { kind: 'session' });
  assert.ok(typeof socket !== 'number');
  const rpc = connectNodeAdapter({ routes: (router) => router.service(LaptopHelper, service) });
  return serveSession(socket, { log: silentLogger, clock: systemClock, rpc });
}

async function callVersion(port: number, headers: Record<string, string>): Promise<number> {
  const path = '/telepresence.v1.UserDaemon/Version';
  const method = 'POST';
  const type = { 'content-type': 'application/json' };
  const all = { ...type, ...headers };
  const request = http.request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: all,
    agent: false,
  });
  request.end('{}');
  const [response] = await once(request, 'response', { signal });
  response.resume();
  return Number(response.statusCode);
}

test('whoever has no token is served nothing', async () => {
  await using served = await daemon();
  const wrong = [`${token.slice(1)}b`, '', 'a', `${token}a`];
  assert.equal(await callVersion(served.port, {}), 401);
  for (const each of wrong) {
    assert.equal(await callVersion(served.port, { ...tokenHeader(each) }), 401, each);
    assert.equal(await errand(served.port, { kind: 'session' }, each), 401, each);
  }
  assert.equal(await callVersion(served.port, { ...tokenHeader(token) }), 200);
});

test('credentials and connections come from the helper, which may come anew', async () => {
  await using served = await daemon();
  const { link, port } = served;
  const early = link.readCredentials();
  const first = await helper(port, {
    readCredentials: () => ({ authorization: 'Bearer one', refreshAt: 7 }),
  });
  assert.deepEqual(await early, {
    cert: undefined,
    key: undefined,
    authorization: 'Bearer one',
    refreshAt: 7,
  });
  first.destroy(new Error('killed'));
  await first.closed;
  const again = link.dial(signal);
  await using _second = await helper(port, {
    async dial({ id }) {
      const brought = await errand(port, { kind: 'dial', id });
      assert.ok(typeof brought !== 'number');
      brought.pipe(brought);
      return {};
    },
  });
  const socket = await again;
  socket.write('hello');
  const [chunk] = await once(socket, 'data', { signal });
  assert.equal(String(chunk), 'hello');
  socket.destroy();
});

test('what the helper says of a failure is what the kubeconfig said', async () => {
  await using served = await daemon();
  await using _helper = await helper(served.port, {
    dial: () => {
      const failure = { code: 'Unreachable', message: 'no way', facts: { hint: 'go' } };
      const detail = { desc: FailureSchema, value: failure };
      throw new ConnectError('no way', Code.Unavailable, undefined, [detail]);
    },
  });
  await assert.rejects(served.link.dial(signal), {
    name: 'KubeError',
    code: 'Unreachable',
    message: 'no way',
    hint: 'go',
  });
});

test('a daemon that nobody stands behind says so after its time', async () => {
  const timers: (() => void)[] = [];
  const clock = {
    ...systemClock,
    after: (_ms: number, run: () => void) => {
      timers.push(run);
      return { [Symbol.dispose]: () => void timers.splice(timers.indexOf(run), 1) };
    },
  };
  await using served = await daemon(clock);
  assert.equal(timers.length, 1);
  const present = await helper(served.port, {});
  await present.ping();
  assert.equal(timers.length, 0);
  present.destroy(new Error('killed'));
  await present.closed;
  while (timers.length === 0) await systemClock.sleep(5, signal);
  timers[0]?.();
  await served.alone;
});
