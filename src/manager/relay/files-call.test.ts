import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { pipeline } from 'node:stream';
import { test } from 'node:test';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { filesPath } from '#protocol/sftp/files-request.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { serveSession } from '#tunnel/server-session.ts';
import { sessionDeps } from '#tunnel/session.fixture.ts';
import { alice, bob, connections, pod, hello } from './test-people.ts';
import { testRelay, type TestRelay } from './test-relay.ts';

async function withAgent(
  relay: TestRelay,
  take: (stream: ServerHttp2Stream) => void,
): Promise<void> {
  relay.controller.tokens.set('token-1', pod);
  serveSession(await relay.agent('token-1', 'outbound'), {
    ...sessionDeps,
    onRequest(stream, headers) {
      if (headers[':path'] !== filesPath) return false;
      take(stream);
      return true;
    },
  });
  await relay.controller.facts((facts) => facts.agents.some((one) => one.outboundSessions === 1));
}

function files(session: ClientSession): ReturnType<ClientSession['request']> {
  const headers = { ':method': 'POST', ':path': filesPath, [interceptHeader]: hello.uid };
  return session.request(headers, { endStream: false });
}

async function statusOf(stream: ReturnType<typeof files>): Promise<unknown> {
  const [headers]: { ':status'?: number }[] = await once(stream, 'response');
  return headers?.[':status'];
}

test('files go both ways at once, however much of them, to their end', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections, intercepts: [hello] });
  await withAgent(relay, (stream) => {
    stream.respond({ ':status': 200 });
    pipeline(stream, stream, () => {});
  });
  const stream = files(openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps));
  assert.equal(await statusOf(stream), 200);
  const sent = randomBytes(8_000_000);
  const hash = createHash('sha256');
  const all = (async () => {
    for await (const chunk of stream) hash.update(chunk);
  })();
  stream.end(sent);
  await all;
  assert.equal(hash.digest('hex'), createHash('sha256').update(sent).digest('hex'));
});

test('who does not read stops the agent, and not the relay’s memory', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections, intercepts: [hello] });
  let written = 0;
  const stopped = Promise.withResolvers<undefined>();
  await withAgent(relay, (stream) => {
    stream.respond({ ':status': 200 });
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (stream.write(chunk)) written += chunk.length;
      const before = written;
      const timer = setTimeout(() => stopped.resolve(undefined), 500);
      stream.once('drain', () => {
        clearTimeout(timer);
        if (written === before) more();
      });
    };
    more();
  });
  const stream = files(openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps));
  await statusOf(stream);
  stream.pause();
  await stopped.promise;
  assert.ok(written < 64 * 1024 * 1024, String(written));
});

test('files are for the laptop whose intercept it is, and for as long as it is', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections, intercepts: [hello] });
  const ended = Promise.withResolvers<number>();
  await withAgent(relay, (stream) => {
    stream.respond({ ':status': 200 });
    stream.resume();
    stream.once('close', () => ended.resolve(stream.rstCode ?? 0));
  });
  const others = openClientSession(await relay.laptop(bob, 'outbound'), sessionDeps);
  assert.equal(await statusOf(files(others)), 403);
  const session = openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps);
  const stream = files(session);
  assert.equal(await statusOf(stream), 200);
  const closed = Promise.withResolvers<undefined>();
  stream.once('close', () => closed.resolve(undefined));
  await relay.controller.want({ connections, intercepts: [] });
  await closed.promise;
  assert.notEqual(stream.rstCode, 0);
  assert.notEqual(await ended.promise, 0);
  assert.equal(session.isOpen, true);
});
