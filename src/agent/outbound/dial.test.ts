import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';

import { systemClock } from '#base/clock.ts';
import { createDatagramDialer, openUdp } from '#tunnel/dial-udp.ts';
import { dial as connect, listen, sessionDeps, sessionPair } from '#tunnel/session.fixture.ts';

import { dialForLaptop } from './dial.ts';

const never = new AbortController().signal;
const udp = createDatagramDialer({ clock: systemClock, open: openUdp });
const datagrams = { udp, echo: udp };

test('what is never dialled is forbidden, whatever listens there', async () => {
  await using app = await listen((socket) => socket.end('secret'));
  (await connect(app.port)).destroy();
  await using pair = await sessionPair({
    onFlow: (flow) => void dialForLaptop({ ...sessionDeps, datagrams }, flow),
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
    onFlow: (flow) => void dialForLaptop({ ...sessionDeps, datagrams }, flow),
  });
  const flow = pair.client.openFlow({ authority: `${own}:1`, signal: never });
  await assert.rejects(flow, { code: 'Refused' });
});
