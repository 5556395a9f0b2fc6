import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';

import { systemClock } from '#base/clock.ts';

import { createUpstream, type Upstream } from './upstream.ts';

/** A port that is the same on 127.0.0.2 and 127.0.0.3; on each somebody answers, or nobody is there. */
async function servers(
  ...answers: readonly ('answers' | 'silent' | 'absent')[]
): Promise<AsyncDisposable & { readonly upstream: Upstream; readonly asked: string[] }> {
  const open: Socket[] = [];
  const asked: string[] = [];
  const nameservers = answers.map((_, index) => `127.0.0.${index + 2}`);
  let port = 0;
  for (const [index, how] of answers.entries()) {
    const socket = createSocket('udp4');
    const host = nameservers[index] ?? '';
    socket.bind(port, host);
    await once(socket, 'listening');
    port = socket.address().port;
    open.push(socket);
    socket.on('message', (query, client) => {
      asked.push(host);
      if (how === 'answers') socket.send(query, client.port, client.address);
    });
    if (how === 'absent') socket.close();
  }
  return {
    asked,
    upstream: createUpstream(
      { clock: systemClock },
      { nameservers, port, patienceMs: 40, answerMs: 300 },
    ),
    async [Symbol.asyncDispose]() {
      for (const [index, socket] of open.entries()) if (answers[index] !== 'absent') socket.close();
    },
  };
}
const query = Buffer.from('0007 0100 0001 0000 0000 0000'.replaceAll(' ', ''), 'hex');

for (const first of ['silent', 'absent'] as const) {
  test(`behind a nameserver that is ${first} the next answers, and is asked first from then on`, async () => {
    await using lab = await servers(first, 'answers');
    assert.equal(lab.upstream.current, '127.0.0.2');
    assert.deepEqual(await lab.upstream.ask(query), query);
    assert.equal(lab.upstream.current, '127.0.0.3');
    const before = lab.asked.length;
    assert.deepEqual(await lab.upstream.ask(query), query);
    assert.deepEqual(lab.asked.slice(before), ['127.0.0.3']);
  });
}

test('where nobody answers there is no answer, at once where nobody is', async () => {
  await using silent = await servers('silent', 'silent');
  assert.equal(await silent.upstream.ask(query), undefined);
  await using absent = await servers('absent', 'absent');
  const started = performance.now();
  assert.equal(await absent.upstream.ask(query), undefined);
  assert(performance.now() - started < 250);
});

test('TCP goes to the first nameserver that takes it', async () => {
  const server = createServer().listen(0, '127.0.0.3');
  await once(server, 'listening');
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  const upstream = createUpstream(
    { clock: systemClock },
    {
      nameservers: ['127.0.0.2', '127.0.0.3'],
      port: address.port,
      patienceMs: 500,
      answerMs: 500,
    },
  );
  const socket = await upstream.connect();
  assert.equal(socket?.remoteAddress, '127.0.0.3');
  assert.equal(upstream.current, '127.0.0.3');
  socket?.destroy();
  server.close();
});
