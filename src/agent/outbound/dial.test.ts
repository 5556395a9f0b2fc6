import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';

import { systemClock } from '#base/clock.ts';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { createDatagramDialer, openUdp } from '#tunnel/dial-udp.ts';
import type { FlowKind } from '#tunnel/flow-kind.ts';
import { dial as connect, listen, sessionDeps, sessionPair } from '#tunnel/session.fixture.ts';

import { dialForLaptop } from './dial.ts';

const never = new AbortController().signal;
const udp = createDatagramDialer({ clock: systemClock, open: openUdp });
const datagrams = { udp, echo: udp };
const intercept = 'intercept-1';
const agentPort = 9900;
const ownPod = { isOurs: (uid: string) => uid === intercept, agentPorts: [agentPort] };

test('what is never dialled is forbidden, whatever listens there', async () => {
  await using app = await listen((socket) => socket.end('secret'));
  (await connect(app.port)).destroy();
  await using pair = await sessionPair({
    onFlow: (flow) => void dialForLaptop({ ...sessionDeps, datagrams, ownPod }, flow),
  });
  for (const host of [
    '127.0.0.1',
    '127.8.9.1',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '[fe80::1]',
    '224.0.0.1',
    'localhost',
    'web.default',
  ]) {
    const authority = `${host}:${app.port}`;
    const flow = pair.client.openFlow({ authority, signal: never });
    await assert.rejects(flow, { code: 'Forbidden' }, host);
    if (isIP(host.replaceAll(/[[\]]/g, '')) === 0) continue;
    for (const kind of ['udp', 'echo'] as const) {
      const datagramFlow = pair.client.openFlow({ authority, kind, signal: never });
      await assert.rejects(datagramFlow, { code: 'Forbidden' }, `${kind} ${host}`);
    }
  }
});

const own = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && one.family === 'IPv4' && !one.internal)?.address;

test('a refused dial is a refusal', { skip: own === undefined }, async () => {
  await using pair = await sessionPair({
    onFlow: (flow) => void dialForLaptop({ ...sessionDeps, datagrams, ownPod }, flow),
  });
  const flow = pair.client.openFlow({ authority: `${own}:1`, signal: never });
  await assert.rejects(flow, { code: 'Refused' });
});

test('the pod’s loopback is dialled for the laptop that intercepts it', async () => {
  await using app = await listen((socket) => socket.end('sidecar'));
  await using pair = await sessionPair({
    onFlow: (flow) => void dialForLaptop({ ...sessionDeps, datagrams, ownPod }, flow),
  });
  const headers = { [interceptHeader]: intercept };
  const open = (port: number): ReturnType<typeof pair.client.openFlow> =>
    pair.client.openFlow({ authority: `127.0.0.1:${port}`, headers, signal: never });
  const { stream } = await open(app.port);
  assert.equal((await stream.toArray()).join(''), 'sidecar');
  await app[Symbol.asyncDispose]();
  await assert.rejects(open(app.port), { code: 'Refused' });
});

test('a sidecar that listens on ::1 only is found', async () => {
  const server = net.createServer((socket) => void socket.on('error', () => {}).end('six'));
  server.listen(0, '::1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await using pair = await sessionPair({
    onFlow: (flow) => void dialForLaptop({ ...sessionDeps, datagrams, ownPod }, flow),
  });
  const authority = `127.0.0.1:${address.port}`;
  const headers = { [interceptHeader]: intercept };
  const { stream } = await pair.client.openFlow({ authority, headers, signal: never });
  stream.end();
  assert.equal((await stream.toArray()).join(''), 'six');
  server.close();
});

test('attack: the loopback of a pod is nobody else’s, and the agent’s ports are no one’s', async () => {
  await using app = await listen((socket) => socket.end('secret'));
  await using pair = await sessionPair({
    onFlow: (flow) => {
      const ports = { ...ownPod, agentPorts: [agentPort, app.port + 1] };
      void dialForLaptop({ ...sessionDeps, datagrams, ownPod: ports }, flow);
    },
  });
  const attempts: readonly (readonly [string, string, FlowKind])[] = [
    ['another intercept', `127.0.0.1:${app.port}`, 'tcp'],
    ['', `127.0.0.1:${app.port}`, 'tcp'],
    ['another intercept', `127.0.0.1:${app.port}`, 'udp'],
    [intercept, `127.0.0.1:${agentPort}`, 'tcp'],
    [intercept, `127.0.0.1:${app.port + 1}`, 'udp'],
    // What the agent tells its own rules with, and everything else that is loopback.
    [intercept, '127.0.74.39:8080', 'udp'],
    [intercept, `127.0.0.2:${app.port}`, 'tcp'],
    [intercept, `[::1]:${app.port}`, 'tcp'],
    [intercept, `[::ffff:127.0.0.1]:${app.port}`, 'tcp'],
    [intercept, `0.0.0.0:${app.port}`, 'tcp'],
    // Not by this way: nobody would have looked whether it may be dialled.
    [intercept, '10.0.0.1:80', 'tcp'],
    [intercept, '169.254.169.254:80', 'tcp'],
    [intercept, `localhost:${app.port}`, 'tcp'],
    [intercept, '127.0.0.1:7', 'echo'],
  ];
  for (const [uid, authority, kind] of attempts) {
    const headers = { [interceptHeader]: uid };
    const flow = pair.client.openFlow({ authority, kind, headers, signal: never });
    await assert.rejects(flow, { code: 'Forbidden' }, `${kind} ${authority} for ${uid}`);
  }
});
