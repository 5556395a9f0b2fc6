/**
 * Node ends a session after 1,002 resets, and after 258 with data queued, unless told otherwise
 * (session-options.ts). `TUNNEL_RESETS` says how many are tried.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { ClientSession } from './client-session.ts';
import type { Flow } from './flow.ts';
import type { IncomingFlow } from './server-session.ts';
import { sessionPair } from './session.fixture.ts';
import { resetEnd } from './splice.ts';

const resets = Number(process.env['TUNNEL_RESETS'] ?? 20_000);
const atOnce = 50;
/** Small, so that much stays queued without much being sent. */
const window = { windowBytes: 64 * 1024 };
const queued = Buffer.alloc(256 * 1024, 'x');
const { signal } = new AbortController();
const reason = new Error('reset on purpose');

const closeOf = (flow: Flow): Promise<void> =>
  new Promise((resolve) => {
    flow.stream.once('close', () => resolve());
  });

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Accepts all flows: one echoes, the others do what `take` says. */
function echoAnd(take: (stream: Flow['stream']) => void): (incoming: IncomingFlow) => void {
  return (incoming) => {
    const { stream } = incoming.accept();
    if (incoming.authority === 'echo') stream.pipe(stream);
    else take(stream);
  };
}

/** An echo that lives as long as the session. */
async function longLived(client: ClientSession): Promise<() => Promise<void>> {
  const flow = await client.openFlow({ authority: 'echo', signal });
  return async () => {
    flow.stream.write('still there?');
    const [answer]: Buffer[] = await once(flow.stream, 'data');
    assert.equal(String(answer), 'still there?');
  };
}

/** Runs `run` as often as there are to be resets, several at a time. */
async function inTurns(run: () => Promise<void>): Promise<void> {
  let left = resets;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await run();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

test(`${resets} resets of uploads by the client leave the session alone`, async () => {
  await using pair = await sessionPair({ onFlow: echoAnd(() => {}) }, window);
  const check = await longLived(pair.client);
  await inTurns(async () => {
    const flow = await pair.client.openFlow({ authority: 'sink', signal });
    const closed = closeOf(flow);
    flow.stream.write(queued);
    await turn();
    resetEnd(flow.stream, reason);
    await closed;
  });
  await check();
  assert.ok(pair.client.isOpen && pair.server.isOpen);
});

test(`${resets} resets of downloads by the client leave the session alone`, async () => {
  const onFlow = echoAnd((stream) => stream.write(queued));
  await using pair = await sessionPair({ onFlow }, window);
  const check = await longLived(pair.client);
  await inTurns(async () => {
    const flow = await pair.client.openFlow({ authority: 'source', signal });
    const closed = closeOf(flow);
    await once(flow.stream, 'readable');
    resetEnd(flow.stream, reason);
    await closed;
  });
  await check();
  assert.ok(pair.client.isOpen && pair.server.isOpen);
});

test(`${resets} resets of downloads by the server leave the session alone`, async () => {
  const onFlow = echoAnd((stream) => {
    stream.write(queued);
    setImmediate(() => resetEnd(stream, reason));
  });
  await using pair = await sessionPair({ onFlow }, window);
  const check = await longLived(pair.client);
  await inTurns(async () => {
    const { flow } = pair.client.beginFlow({ authority: 'source', signal });
    await closeOf(flow);
    assert.notEqual(flow.stream.rstCode, 0);
  });
  await check();
  assert.ok(pair.client.isOpen && pair.server.isOpen);
});
