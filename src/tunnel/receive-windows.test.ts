import assert from 'node:assert/strict';
import { on } from 'node:events';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { Flow } from './flow.ts';
import { manualClock } from './manual-clock.fixture.ts';
import { createReceiveWindows } from './receive-windows.ts';
import type { Receiver } from './receive-windows.ts';
import { sessionPair } from './session.fixture.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const signal = AbortSignal.timeout(60_000);
const idle = { readableLength: 0 };

/** A session that only keeps what it is told. */
function fakeReceiver() {
  const announced: number[] = [];
  let acknowledge = (): void => {};
  const state = { bytes: 0, connectionBytes: 0, pings: 0, rttMs: 20 };
  const receiver: Receiver = {
    session: {
      destroyed: false,
      closed: false,
      settings(settings, callback) {
        announced.push(settings.initialWindowSize ?? 0);
        acknowledge = () => callback?.(null, settings, 1);
      },
      setLocalWindowSize(bytes) {
        state.connectionBytes = bytes;
      },
    },
    bytesReceived: () => state.bytes,
    bytesSent: () => 0,
    async ping() {
      state.pings += 1;
      return state.rttMs;
    },
  };
  return { receiver, announced, state, acknowledge: () => acknowledge() };
}

test('the budget is shared by the open streams, and announced when a share halves or doubles', () => {
  const windows = createReceiveWindows({ clock: manualClock() }, { budgetBytes: 8 * MiB });
  const fake = fakeReceiver();
  using part = windows.attach(fake.receiver);
  assert.equal(windows.streamBytes, 2 * MiB);
  const streams = Array.from({ length: 1000 }, () => ({ readableLength: 0 }));
  for (const stream of streams.slice(0, 7)) part.streamOpened(stream);
  assert.deepEqual(fake.announced, []);
  for (const stream of streams.slice(7, 8)) part.streamOpened(stream);
  assert.deepEqual(fake.announced, [MiB]);
  // Not a second one before the first is acknowledged.
  for (const stream of streams.slice(8)) part.streamOpened(stream);
  assert.deepEqual(fake.announced, [MiB]);
  fake.acknowledge();
  assert.deepEqual(fake.announced, [MiB, 64 * KiB]);
  fake.acknowledge();
  for (const stream of streams.slice(1)) part.streamClosed(stream);
  fake.acknowledge();
  fake.acknowledge();
  assert.equal(fake.announced.at(-1), 2 * MiB);
});

test('a busy link is allowed more, several sessions share it, a new one knows it', async () => {
  const clock = manualClock();
  const windows = createReceiveWindows({ clock }, { budgetBytes: 128 * MiB });
  const [one, two] = [fakeReceiver(), fakeReceiver()];
  using first = windows.attach(one.receiver);
  using second = windows.attach(two.receiver);
  first.heard(20);
  first.streamOpened(idle);
  // As much as is allowed, each round trip.
  for (let turn = 0; turn < 40; turn += 1) {
    one.state.bytes += (one.state.connectionBytes / 20) * 50;
    await clock.pass(50);
    one.acknowledge();
  }
  assert.ok(one.state.connectionBytes >= 8 * MiB, String(one.state.connectionBytes));
  assert.ok((one.announced.at(-1) ?? 0) >= 4 * MiB, String(one.announced));
  assert.equal(windows.streamBytes, 8 * MiB);
  const alone = one.state.connectionBytes;
  second.streamOpened({ readableLength: 0 });
  for (const each of [one, two]) each.state.bytes += MiB;
  await clock.pass(50);
  assert.equal(one.state.connectionBytes, Math.round(alone / 2));
  assert.equal(two.state.connectionBytes, Math.round(alone / 2));
});

test('without streams nothing is looked at, and with quiet ones only once a second', async () => {
  const clock = manualClock();
  const windows = createReceiveWindows({ clock }, { budgetBytes: 128 * MiB });
  let looks = 0;
  const { receiver, state } = fakeReceiver();
  using part = windows.attach({
    ...receiver,
    bytesReceived: () => {
      looks += 1;
      return 0;
    },
  });
  await clock.pass(60_000);
  assert.ok(looks <= 1, String(looks));
  part.streamOpened(idle);
  await clock.pass(60_000);
  assert.ok(looks > 50 && looks < 80, String(looks));
  assert.equal(state.pings, 0);
});

test('two thousand readers that stop one after another keep no more than the budget, on a fast link', async () => {
  const clock = manualClock();
  const budgetBytes = 64 * MiB;
  const windows = createReceiveWindows({ clock }, { budgetBytes });
  const { receiver, state, announced, acknowledge } = fakeReceiver();
  using part = windows.attach(receiver);
  part.heard(20);
  part.streamOpened(idle);
  for (let turn = 0; turn < 40; turn += 1) {
    state.bytes += (state.connectionBytes / 20) * 50;
    await clock.pass(50);
    acknowledge();
  }
  assert.ok((announced.at(-1) ?? 0) >= 4 * MiB, String(announced));
  const streams = Array.from({ length: 2000 }, () => ({ readableLength: 0 }));
  for (const stream of streams) {
    part.streamOpened(stream);
    acknowledge();
    acknowledge();
    // It gets all that it was promised before the next one comes.
    stream.readableLength = announced.at(-1) ?? 0;
    await clock.pass(10);
    acknowledge();
  }
  const unread = streams.reduce((sum, { readableLength }) => sum + readableLength, 0);
  assert.ok(unread > budgetBytes / 2, String(unread));
  // However many there are, each has HTTP/2's own 64 KiB.
  assert.ok(unread <= 1.1 * budgetBytes + streams.length * 64 * KiB, String(unread));
});

test('a hundred readers that have stopped keep no more than the budget, and the others go on', async () => {
  const readers = 100;
  const budgetBytes = 16 * MiB;
  const windows = createReceiveWindows({ clock: systemClock }, { budgetBytes });
  const chunk = Buffer.alloc(64 * KiB);
  await using pair = await sessionPair(
    {
      onFlow(flow) {
        const { stream } = flow.accept();
        const fill = (): void => {
          while (stream.write(chunk)) {
            // Until it is enough.
          }
          stream.once('drain', fill);
        };
        fill();
      },
    },
    { windows },
  );
  const open = async (): Promise<Flow> => await pair.client.openFlow({ authority: 'x:1', signal });
  const flows = await Promise.all(Array.from({ length: readers }, open));
  const reading = await open();
  await readSome(reading, 16 * MiB);
  const unread = flows.reduce((sum, { stream }) => sum + stream.readableLength, 0);
  assert.ok(unread > readers * 32 * KiB, String(unread));
  // The first ones were promised a larger share before the others came.
  assert.ok(unread <= 2 * budgetBytes, String(unread));
});

/** Reads until so much has come. */
async function readSome({ stream }: Flow, bytes: number): Promise<void> {
  let left = bytes;
  for await (const [chunk] of on(stream, 'data', { signal })) {
    left -= Buffer.isBuffer(chunk) ? chunk.length : 0;
    if (left <= 0) return;
  }
}
