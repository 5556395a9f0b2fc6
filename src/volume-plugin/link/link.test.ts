import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { openSftpClient } from '#protocol/sftp/client.ts';
import { beat } from '#protocol/sftp/files-port.ts';
import { packetTypes, statusCodes } from '#protocol/sftp/numbers.ts';
import { createPacketReader } from '#protocol/sftp/packets.ts';
import { encodeReply, encodeVersion, type SftpReply } from '#protocol/sftp/reply.ts';
import { readRequest, type SftpRequest } from '#protocol/sftp/request.ts';
import { openLink, type Link } from './link.ts';

const { signal } = new AbortController();

/** One connection's server: each open file has the next number, from 0 on, as the agent's. */
interface Server {
  readonly stream: Duplex;
  readonly asked: SftpRequest[];
  /** Answers nothing any more. */
  silent: boolean;
}

interface Site {
  readonly link: Link;
  readonly servers: Server[];
  /** Why nobody can be reached. */
  trouble: string | undefined;
  /** Lets milliseconds pass, for those who count them. */
  pass(ms: number): void;
  /** The same, while this process does not run. */
  stop(ms: number): void;
}

function openSite(trouble?: string): Site & Disposable {
  let now = 0;
  const ticks = new Set<() => void>();
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    sleep: (_ms, until) => systemClock.sleep(1, until),
    after: (ms, run) => systemClock.after(Math.min(ms, 500), run),
    every: (_ms, run) => {
      ticks.add(run);
      return { [Symbol.dispose]: () => void ticks.delete(run) };
    },
  };
  const servers: Server[] = [];
  const site: Omit<Site, 'link'> = {
    servers,
    trouble,
    pass(ms) {
      for (let left = ms; left > 0; left -= 250) {
        now += Math.min(left, 250);
        for (const tick of ticks) tick();
      }
    },
    stop(ms) {
      now += ms;
      for (const tick of ticks) tick();
    },
  };
  const dial = async (): Promise<Duplex> => {
    if (site.trouble !== undefined) throw new Error(site.trouble);
    const [ours, theirs] = duplexPair();
    servers.push(serve(theirs));
    return ours;
  };
  const link = openLink({ clock, random: () => 0.5, log: silentLogger, dial });
  return Object.assign(site, { link, [Symbol.dispose]: () => link[Symbol.dispose]() });
}

function serve(stream: Duplex): Server {
  const server: Server = { stream, asked: [], silent: false };
  const packets = createPacketReader();
  const files: string[] = [];
  const answer = (request: SftpRequest): SftpReply => {
    if (request.kind === 'open') {
      return { kind: 'handle', handle: String(files.push(request.path) - 1) };
    }
    if (request.kind === 'read') {
      return { kind: 'data', data: Buffer.from(`of ${files[Number(request.handle)] ?? '?'}`) };
    }
    if (request.kind === 'stat') return { kind: 'attributes', attributes: { mode: 0o100_644 } };
    return { kind: 'status', code: statusCodes.ok, message: '' };
  };
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    for (const packet of packets.push(chunk)) {
      if (server.silent) continue;
      if (packet.type === packetTypes.init) {
        stream.write(encodeVersion());
        continue;
      }
      const { id, request } = readRequest(packet);
      server.asked.push(request);
      stream.write(encodeReply(id, answer(request)));
    }
  });
  return server;
}

const open = async (client: ReturnType<typeof openSftpClient>, path: string): Promise<string> => {
  const reply = await client.ask({ kind: 'open', path, flags: 1, attributes: {} });
  assert.equal(reply.kind, 'handle');
  return reply.kind === 'handle' ? reply.handle : '';
};
const read = async (
  client: ReturnType<typeof openSftpClient>,
  handle: string,
): Promise<SftpReply> => await client.ask({ kind: 'read', handle, offset: 0, length: 100 });

async function until(isSo: () => boolean): Promise<void> {
  const late = AbortSignal.timeout(5000);
  while (!isSo()) await systemClock.sleep(1, late);
}

test('several share one connection; what one leaves open is closed', async () => {
  using site = openSite();
  await site.link.ready(signal);
  const [one, other] = [site.link.join(), site.link.join()];
  const [a, b] = [openSftpClient(one), openSftpClient(other)];
  const [fileA, fileB] = await Promise.all([open(a, '/a'), open(b, '/b')]);
  assert.deepEqual(await read(a, fileA), { kind: 'data', data: Buffer.from('of /a') });
  assert.deepEqual(await read(b, fileB), { kind: 'data', data: Buffer.from('of /b') });
  assert.equal(site.servers.length, 1);
  const server = site.servers[0];
  one.destroy();
  await until(() => server?.asked.some(({ kind }) => kind === 'close') === true);
  assert.deepEqual(await read(b, fileB), { kind: 'data', data: Buffer.from('of /b') });
});

test('a lost connection: an error at once, then the next one; an old handle is nobody’s', async () => {
  using site = openSite();
  await site.link.ready(signal);
  const client = openSftpClient(site.link.join());
  const old = await open(client, '/secret');
  site.trouble = 'out of reach';
  const [server] = site.servers;
  if (server !== undefined) server.silent = true;
  const waiting = read(client, old);
  server?.stream.destroy();
  const lost = await waiting;
  assert.ok(lost.kind === 'status' && lost.code === statusCodes.noConnection);
  const refused = await client.ask({ kind: 'stat', path: '/' });
  assert.ok(refused.kind === 'status' && refused.code === statusCodes.noConnection);
  // sshfs closes what it has open; there is nothing to be closed any more.
  const closed = await client.ask({ kind: 'close', handle: old });
  assert.ok(closed.kind === 'status' && closed.code === statusCodes.ok);

  site.trouble = undefined;
  await site.link.ready(signal);
  const fresh = await open(client, '/other');
  assert.deepEqual(await read(client, fresh), { kind: 'data', data: Buffer.from('of /other') });
  // The server calls both of them 0.
  const stale = await read(client, old);
  assert.ok(stale.kind === 'status' && stale.code === statusCodes.noConnection);
});

test('two seconds of silence are its end; beats are not silence', async () => {
  using site = openSite();
  await site.link.ready(signal);
  const [server] = site.servers;
  if (server === undefined) throw new Error('no server');
  server.silent = true;
  for (let beats = 0; beats < 5; beats += 1) {
    site.pass(1500);
    server.stream.write(beat);
    await systemClock.sleep(5, signal);
  }
  assert.equal(site.servers.length, 1);
  const waiting = openSftpClient(site.link.join()).ask({ kind: 'stat', path: '/' });
  await systemClock.sleep(5, signal);
  site.pass(2100);
  const lost = await waiting;
  assert.ok(lost.kind === 'status' && lost.code === statusCodes.noConnection);
  await until(() => site.servers.length === 2);
});

test('a process that was stopped itself hears what came meanwhile before it judges', async () => {
  using site = openSite();
  await site.link.ready(signal);
  const client = openSftpClient(site.link.join());
  const file = await open(client, '/a');
  site.stop(60_000);
  await systemClock.sleep(20, signal);
  assert.deepEqual(await read(client, file), { kind: 'data', data: Buffer.from('of /a') });
  assert.equal(site.servers.length, 1);
  // Where it does not, that is silence as any other.
  site.pass(2500);
  await until(() => site.servers.length === 2);
});

test('a server that never answers one question keeps nobody for ever', async () => {
  using site = openSite();
  await site.link.ready(signal);
  const [server] = site.servers;
  if (server === undefined) throw new Error('no server');
  server.silent = true;
  const waiting = openSftpClient(site.link.join()).ask({ kind: 'stat', path: '/' });
  await systemClock.sleep(5, signal);
  for (let ms = 0; ms <= 21_000; ms += 1500) {
    site.pass(1500);
    server.stream.write(beat);
    await systemClock.sleep(2, signal);
  }
  const lost = await waiting;
  assert.ok(lost.kind === 'status' && lost.code === statusCodes.noConnection);
  assert.equal(site.servers.length, 1);
});

test('what nobody understands is refused here; nonsense ends its sender only', async () => {
  using site = openSite();
  await site.link.ready(signal);
  const good = openSftpClient(site.link.join());
  const bad = site.link.join();
  bad.resume();
  bad.write(Buffer.from([255, 255, 255, 255, 1]));
  await once(bad, 'end');
  assert.equal((await good.ask({ kind: 'stat', path: '/' })).kind, 'attributes');
  const [server] = site.servers;
  // A reply to nothing that was asked: that server is not to be trusted.
  server?.stream.write(encodeReply(4_000_000, { kind: 'status', code: 0, message: '' }));
  await until(() => site.servers.length === 2);
  await site.link.ready(signal);
  assert.equal((await good.ask({ kind: 'stat', path: '/' })).kind, 'attributes');
});

test('where nobody is reached, it is said why', async () => {
  using site = openSite('connect ECONNREFUSED');
  await assert.rejects(site.link.ready(signal), {
    message: 'the files are out of reach: connect ECONNREFUSED',
  });
});
