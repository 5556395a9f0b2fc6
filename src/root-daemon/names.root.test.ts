import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';

import { systemCode } from '#base/errors.ts';
import { enterOwnNetworkNamespace } from '#host/own-namespace.ts';
import { answerDnsQuery } from '#protocol/dns-answer.ts';
import {
  decodeDnsMessage,
  dnsCodes,
  encodeDnsMessage,
  type DnsMessage,
} from '#protocol/dns-message.ts';
import { dnsTypes } from '#protocol/dns-record.ts';
import { createDnsFrameReader, frameDnsMessage } from '#protocol/dns-stream.ts';

import {
  answerA,
  decode,
  holdMachine,
  nameserver,
  nameserverV6,
  serveFrames,
  startDaemon,
  startNameserver,
  untilGone,
  type DesiredFields,
  type RunningDaemon,
} from './testing.fixture.ts';

before(() => enterOwnNetworkNamespace());

const clusterNames: Record<string, string> = {
  web: '10.96.0.9',
  'web.default': '10.96.0.9',
  'web.default.svc.cluster.local': '10.96.0.9',
};

/** The user daemon's side: knows `clusterNames`, says of single labels and the like that they are not its own. */
async function answerNames(daemon: RunningDaemon): Promise<Server> {
  const server = serveFrames((query) => {
    const name = decode(query).questions[0]?.name.toLowerCase() ?? '';
    if (name.startsWith('silent')) return undefined;
    if (name.startsWith('long')) return longAnswer(query);
    const address = clusterNames[name];
    if (address !== undefined || name.endsWith('cluster.local')) return answerA(query, address);
    return answerDnsQuery(decode(query), { code: dnsCodes.refused });
  });
  server.listen(join(daemon.directory, 'names.sock'));
  await once(server, 'listening');
  return server;
}

function longAnswer(query: Buffer): Buffer {
  const strings = [1, 2, 3].map(() => Buffer.alloc(250, 'x'));
  return answerDnsQuery(decode(query), {
    code: dnsCodes.noError,
    answers: [{ name: 'x', class: 1, ttlSeconds: 5, data: { kind: 'TXT', strings } }],
  });
}

const desired = (daemon: RunningDaemon): DesiredFields => ({
  dns: {
    clusterDomain: 'cluster.local',
    namespaces: ['default'],
    answerSocket: join(daemon.directory, 'names.sock'),
  },
});

let lastId = 0;
function queryOf(name: string, more: Partial<DnsMessage> = {}): Buffer {
  lastId += 1;
  return encodeDnsMessage({
    id: lastId,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: true,
    checkingDisabled: false,
    code: 0,
    questions: [{ name, type: dnsTypes.A, class: 1 }],
    answers: [],
    authorities: [],
    additionals: [],
    ...more,
  });
}

/** Asks the machine's nameserver, as any program does; undefined when nobody answers in time. */
async function askUdp(
  query: Buffer,
  ms = 1000,
  server = nameserver,
  port = 0,
): Promise<Buffer | undefined> {
  const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
  socket.bind(port);
  await once(socket, 'listening');
  // Connected: an answer from any address but the nameserver's own would not be taken.
  socket.connect(53, server);
  await once(socket, 'connect');
  try {
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(ms) });
    socket.send(query);
    const [message]: unknown[] = await answered;
    assert(Buffer.isBuffer(message));
    return message;
  } catch (error) {
    if (systemCode(error) === 'ABORT_ERR' || systemCode(error) === 'ECONNREFUSED') return undefined;
    throw error;
  } finally {
    socket.close();
  }
}

async function askTcp(queries: readonly Buffer[], host = nameserver): Promise<Buffer[]> {
  const socket = connect({ host, port: 53 });
  const reader = createDnsFrameReader();
  const answers: Buffer[] = [];
  const done = Promise.withResolvers<undefined>();
  socket.on('error', done.reject);
  socket.on('close', () => done.resolve(undefined));
  socket.on('data', (chunk: Buffer) => {
    answers.push(...reader.push(chunk).map((answer) => Buffer.from(answer)));
    if (answers.length === queries.length) done.resolve(undefined);
  });
  socket.write(Buffer.concat(queries.map(frameDnsMessage)));
  await done.promise;
  socket.destroy();
  return answers;
}

const addressIn = (answer: Buffer | undefined): string | number | undefined => {
  if (answer === undefined) return undefined;
  const { answers, code } = decode(answer);
  const [first] = answers;
  return first?.data.kind === 'A' ? first.data.address : code;
};
const resolve = async (name: string, ms?: number): Promise<string | number | undefined> =>
  addressIn(await askUdp(queryOf(name), ms));

/** An outside answer that we could not make ourselves: every byte must arrive. */
const outsideAnswer = (query: Buffer): Buffer =>
  decodeDnsMessage(query) === undefined
    ? Buffer.concat([query.subarray(0, 2), Buffer.from('no DNS message either')])
    : Buffer.concat([answerA(query, '203.0.113.1'), Buffer.from('trailing bytes')]);

test('names of the cluster are answered by the user daemon, others by the nameserver, untouched', async () => {
  await using outside = await startNameserver(outsideAnswer);
  await using daemon = await startDaemon();
  using names = closing(await answerNames(daemon));
  await using hold = holdMachine(daemon);
  assert.equal((await hold.apply(desired(daemon))).failure, undefined);

  assert.equal(await resolve('web'), '10.96.0.9');
  assert.equal(await resolve('WEB.default'), '10.96.0.9');
  assert.equal(await resolve('web.default.svc.cluster.local'), '10.96.0.9');
  assert.equal(await resolve('none.default.svc.cluster.local'), dnsCodes.nameError);
  assert.equal(outside.asked.length, 0, 'nothing of the cluster goes to the nameserver');

  for (const name of ['example.org', 'unknown', 'unknown.default']) {
    const query = queryOf(name);
    const answer = await askUdp(query);
    assert.deepEqual(outside.asked.at(-1), query);
    assert.deepEqual(answer, outsideAnswer(query));
  }
  const noise = Buffer.from('this is no DNS message');
  assert.deepEqual(await askUdp(noise), outsideAnswer(noise));
  assert.deepEqual(outside.asked.at(-1), noise);

  const status = await daemon.client.status({});
  assert.equal(status.dns?.remoteAddress, nameserver);
  names.server.close();
});

test('a port from which the root daemon has just asked is redirected as any other', async () => {
  await using outside = await startNameserver(outsideAnswer);
  await using daemon = await startDaemon();
  using _names = closing(await answerNames(daemon));
  await using hold = holdMachine(daemon);
  assert.equal((await hold.apply(desired(daemon))).failure, undefined);
  assert.equal(await resolve('example.org'), '203.0.113.1');
  const [port] = outside.ports;
  assert.equal(addressIn(await askUdp(queryOf('web'), 1000, nameserver, port)), '10.96.0.9');
  assert.equal(outside.asked.length, 1);
});

test('by TCP too, cluster and outside on one connection', async () => {
  await using _outside = await startNameserver(outsideAnswer);
  await using daemon = await startDaemon();
  using _names = closing(await answerNames(daemon));
  await using hold = holdMachine(daemon);
  await hold.apply(desired(daemon));
  const queries = ['web', 'example.org', 'web.default', 'unknown'].map((name) => queryOf(name));
  const answers = await askTcp(queries);
  const byId = new Map(answers.map((answer) => [answer.readUInt16BE(0), addressIn(answer)]));
  assert.deepEqual(
    queries.map((query) => byId.get(query.readUInt16BE(0))),
    ['10.96.0.9', '203.0.113.1', '10.96.0.9', '203.0.113.1'],
  );
});

test('a nameserver of IPv6 is redirected too, by UDP and TCP', async () => {
  await using outside = await startNameserver(outsideAnswer, nameserverV6);
  await using daemon = await startDaemon(0, nameserverV6);
  using _names = closing(await answerNames(daemon));
  await using hold = holdMachine(daemon);
  assert.equal((await hold.apply(desired(daemon))).failure, undefined);
  const ask = async (name: string): Promise<string | number | undefined> =>
    addressIn(await askUdp(queryOf(name), 2000, nameserverV6));
  assert.equal(await ask('web'), '10.96.0.9');
  assert.equal(outside.asked.length, 0);
  assert.equal(await ask('example.org'), '203.0.113.1');
  const answers = await askTcp(
    ['web', 'example.org'].map((name) => queryOf(name)),
    nameserverV6,
  );
  assert.deepEqual(new Set(answers.map(addressIn)), new Set(['10.96.0.9', '203.0.113.1']));
  daemon.process.kill('SIGKILL');
  await untilGone(500);
  assert.equal(await ask('example.org'), '203.0.113.1');
});

test('an answer too long for UDP says so, and comes whole by TCP', async () => {
  await using daemon = await startDaemon();
  using _names = closing(await answerNames(daemon));
  await using hold = holdMachine(daemon);
  await hold.apply(desired(daemon));
  const query = queryOf('long');
  const short = await askUdp(query);
  assert(short !== undefined && decode(short).truncated && decode(short).answers.length === 0);
  const [whole] = await askTcp([query]);
  assert(whole !== undefined && decode(whole).answers.length === 1);
});

test('a user daemon that is silent about names fails for its domain only', async () => {
  await using _outside = await startNameserver(outsideAnswer);
  await using daemon = await startDaemon();
  const names = closing(await answerNames(daemon));
  await using hold = holdMachine(daemon);
  await hold.apply(desired(daemon));
  assert.deepEqual(
    await Promise.all([
      resolve('silent.default.svc.cluster.local', 4500),
      resolve('silent', 4500),
      resolve('web', 4500),
    ]),
    [dnsCodes.serverFailure, '203.0.113.1', '10.96.0.9'],
  );
  // Not there at all: at once.
  names[Symbol.dispose]();
  assert.equal(await resolve('web.default.svc.cluster.local'), dnsCodes.serverFailure);
  assert.equal(await resolve('web'), '203.0.113.1');
  using _again = closing(await answerNames(daemon));
  assert.equal(await resolve('web'), '10.96.0.9');
});

test('a stopped root daemon gives names back within its timer, and takes them again', async () => {
  await using _outside = await startNameserver(outsideAnswer);
  await using daemon = await startDaemon();
  using _names = closing(await answerNames(daemon));
  await using hold = holdMachine(daemon);
  await hold.apply(desired(daemon));
  assert.equal(await resolve('web'), '10.96.0.9');

  daemon.process.kill('SIGSTOP');
  const stopped = performance.now();
  let answer: string | number | undefined;
  while (answer === undefined) answer = await resolve('example.org', 100);
  const ms = performance.now() - stopped;
  assert.equal(answer, '203.0.113.1');
  assert(ms <= 3500, `names were away for ${Math.round(ms)} ms`);

  daemon.process.kill('SIGCONT');
  const deadline = performance.now() + 3000;
  while ((await resolve('web', 200)) !== '10.96.0.9') assert(performance.now() < deadline);
});

test('a socket that asked before is redirected too, and given back at the end', async () => {
  await using _outside = await startNameserver(outsideAnswer);
  await using daemon = await startDaemon();
  using _names = closing(await answerNames(daemon));
  const socket = createSocket('udp4');
  socket.connect(53, nameserver);
  await once(socket, 'connect');
  const ask = async (): Promise<string | number | undefined> => {
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(1000) });
    socket.send(queryOf('web'));
    const [message]: unknown[] = await answered;
    return Buffer.isBuffer(message) ? addressIn(message) : undefined;
  };
  assert.equal(await ask(), '203.0.113.1');
  await using hold = holdMachine(daemon);
  await hold.apply(desired(daemon));
  assert.equal(await ask(), '10.96.0.9');
  await hold.apply({});
  assert.equal(await ask(), '203.0.113.1');
  socket.close();
});

test('kill -9 of the root daemon gives names back at once', async () => {
  await using _outside = await startNameserver(outsideAnswer);
  await using daemon = await startDaemon();
  using _names = closing(await answerNames(daemon));
  await using hold = holdMachine(daemon);
  await hold.apply(desired(daemon));
  assert.equal(await resolve('web'), '10.96.0.9');
  daemon.process.kill('SIGKILL');
  await untilGone(500);
  assert.equal(await resolve('example.org', 500), '203.0.113.1');
});

/** A server that ends with its block. */
function closing(server: Server): Disposable & { readonly server: Server } {
  const open = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => open.add(socket));
  return {
    server,
    [Symbol.dispose]() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
