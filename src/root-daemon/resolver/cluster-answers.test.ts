import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createDnsFrameReader, frameDnsMessage } from '#protocol/dns-stream.ts';

import { askClusterBy, type ClusterAnswers } from './cluster-answers.ts';

let directory = '';
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'answers-'));
});
after(() => rm(directory, { recursive: true }));

/** Twelve bytes of header are all that matters here: the ID, and the code in an answer. */
const message = (id: number, code = 0, text = ''): Buffer => {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(code, 2);
  return Buffer.concat([header, Buffer.from(text)]);
};

interface Lab extends AsyncDisposable {
  readonly answers: ClusterAnswers;
  readonly received: Buffer[];
  /** Resolves when the next query has come. */
  next(): Promise<Buffer>;
  reply(answer: Buffer): void;
  cut(): void;
  /** The pending deadlines pass. */
  passTime(): void;
}

async function createLab(peerUid = 1000): Promise<Lab> {
  const path = join(directory, `socket-${Math.random()}`);
  const received: Buffer[] = [];
  const deadlines = new Set<() => void>();
  const clock: Pick<Clock, 'after'> = {
    after(_, run) {
      deadlines.add(run);
      return { [Symbol.dispose]: () => void deadlines.delete(run) };
    },
  };
  let current: Socket | undefined;
  let arrived = Promise.withResolvers<Buffer>();
  const server: Server = createServer((socket) => {
    current = socket;
    socket.on('error', () => {});
    const reader = createDnsFrameReader();
    socket.on('data', (chunk: Buffer) => {
      for (const query of reader.push(chunk)) {
        received.push(query);
        arrived.resolve(query);
        arrived = Promise.withResolvers();
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  const answers = askClusterBy(
    { clock, log: silentLogger, readPeerCredentials: () => ({ pid: 1, uid: peerUid, gid: 1 }) },
    { socketPath: path, ownerUid: 1000, answerMs: 4000 },
  );
  return {
    answers,
    received,
    next: () => arrived.promise,
    reply: (answer) => void current?.write(frameDnsMessage(answer)),
    cut: () => current?.destroy(),
    passTime: () => {
      for (const run of deadlines) run();
    },
    async [Symbol.asyncDispose]() {
      answers[Symbol.dispose]();
      current?.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('answers find their queries in any order, under the ID that was asked', async () => {
  await using lab = await createLab();
  const first = lab.answers.ask(message(7, 0, 'one'));
  const second = lab.answers.ask(message(7, 0, 'two'));
  while (lab.received.length < 2) await lab.next();
  for (const query of lab.received.toReversed()) {
    lab.reply(message(query.readUInt16BE(0), 0, `re ${query.subarray(12).toString()}`));
  }
  assert.deepEqual(await first, { kind: 'answer', message: message(7, 0, 're one') });
  assert.deepEqual(await second, { kind: 'answer', message: message(7, 0, 're two') });
});

test('REFUSED means "not ours"; no answer in time is silence, and comes too late afterwards', async () => {
  await using lab = await createLab();
  const refused = lab.answers.ask(message(7));
  lab.reply(message((await lab.next()).readUInt16BE(0), 5));
  assert.deepEqual(await refused, { kind: 'not-ours' });

  const late = lab.answers.ask(message(8));
  const query = await lab.next();
  lab.passTime();
  assert.deepEqual(await late, { kind: 'silent' });
  lab.reply(message(query.readUInt16BE(0)));
  const later = lab.answers.ask(message(9));
  lab.reply(message((await lab.next()).readUInt16BE(0), 0, 'in time'));
  assert.deepEqual(await later, { kind: 'answer', message: message(9, 0, 'in time') });
});

test('a cut connection is silence for what is under way, and made again', async () => {
  await using lab = await createLab();
  const lost = lab.answers.ask(message(1));
  await lab.next();
  lab.cut();
  assert.deepEqual(await lost, { kind: 'silent' });
  const again = lab.answers.ask(message(2));
  lab.reply(message((await lab.next()).readUInt16BE(0)));
  assert.equal((await again).kind, 'answer');
});

test("another user's process is told nothing", async () => {
  await using lab = await createLab(1001);
  assert.deepEqual(await lab.answers.ask(message(1)), { kind: 'silent' });
  assert.deepEqual(lab.received, []);
});
