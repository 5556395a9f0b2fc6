import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { suite, test } from 'node:test';
import { systemCode } from '#base/errors.ts';
import { TunnelError } from './errors.ts';
import { dial, listen } from './session.fixture.ts';

/** A way from an app to a port: the machine's own TCP, or TCP with a tunnel in it. */
export interface Path extends AsyncDisposable {
  /** A socket on which the app talks to the port; rejects where the port refuses. */
  dial(port: number): Promise<Socket>;
}

/** What one end saw of a connection. */
interface Seen {
  readonly text: string;
  readonly end: 'fin' | 'reset' | 'open';
}

interface Peer {
  readonly socket: Socket;
  /** Resolves once the peer has received at least this much. */
  received(text: string): Promise<void>;
  readonly fin: Promise<void>;
  readonly closed: Promise<void>;
  seen(): Seen;
}

interface Outcome {
  readonly client: Seen;
  readonly server: Seen;
}

type Script = (client: Peer, server: Peer) => Promise<void>;

/** FIN and RST from either side, and both in turn. Each script ends with both sockets closed. */
const scripts: Readonly<Record<string, Script>> = {
  async 'the client sends FIN first'(client, server) {
    client.socket.end('question');
    await server.fin;
    server.socket.write('answer, ');
    await client.received('answer, ');
    server.socket.end('and its end');
  },
  async 'the server sends FIN first'(client, server) {
    server.socket.end('greeting');
    await client.fin;
    client.socket.write('late ');
    await server.received('late ');
    client.socket.end('word');
  },
  async 'the client resets'(client, server) {
    client.socket.write('half a question');
    await server.received('half a question');
    client.socket.resetAndDestroy();
  },
  async 'the server resets'(client, server) {
    server.socket.write('half an answer');
    await client.received('half an answer');
    server.socket.resetAndDestroy();
  },
  async 'the server answers and resets in one breath'(client, server) {
    client.socket.write('question');
    await server.received('question');
    server.socket.write('answer');
    server.socket.resetAndDestroy();
  },
  async 'the client asks and resets in one breath'(client) {
    client.socket.write('question');
    client.socket.resetAndDestroy();
  },
  async 'the server resets after the client’s FIN'(client, server) {
    client.socket.end('question');
    await server.fin;
    server.socket.write('half an answer');
    await client.received('half an answer');
    server.socket.resetAndDestroy();
  },
  async 'the client resets after its FIN'(client, server) {
    client.socket.end('question');
    await server.fin;
    client.socket.resetAndDestroy();
    // After a FIN only writing tells of a reset, on any TCP.
    while (!server.socket.destroyed) {
      server.socket.write('answer');
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
  async 'the client resets after the server’s FIN'(client, server) {
    server.socket.end('greeting');
    await client.fin;
    client.socket.write('half a');
    await server.received('half a');
    client.socket.resetAndDestroy();
  },
};

/** Runs every script over `open`, and compares what both ends saw with what they see on plain TCP. */
export function flowContract(name: string, open: () => Promise<Path>): void {
  suite(name, () => {
    for (const [title, script] of Object.entries(scripts)) {
      test(`${title}: both ends see what they see on TCP`, async () => {
        await using path = await open();
        assert.deepEqual(await play(path, script), await play({ dial }, script));
      });
    }

    test('a refused port is refused', async () => {
      const server = await listen(() => {});
      await server[Symbol.asyncDispose]();
      await using path = await open();
      await assert.rejects(
        path.dial(server.port),
        (error) =>
          systemCode(error) === 'ECONNREFUSED' ||
          (error instanceof TunnelError && error.code === 'Refused'),
      );
    });

    for (const stopped of ['server', 'client'] as const) {
      test(`a ${stopped} that stops reading stops the writer, and loses nothing`, async () => {
        await using path = await open();
        await stopReader(path, stopped);
      });
    }
  });
}

async function play(path: Pick<Path, 'dial'>, script: Script): Promise<Outcome> {
  const accepted = Promise.withResolvers<Socket>();
  await using target = await listen(accepted.resolve);
  const client = observe(await path.dial(target.port));
  const server = observe(await accepted.promise);
  await script(client, server);
  await Promise.all([client.closed, server.closed]);
  return { client: client.seen(), server: server.seen() };
}

function observe(socket: Socket): Peer {
  let text = '';
  let end: Seen['end'] = 'open';
  const arrivals = new Set<() => void>();
  const fin = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  socket.on('data', (chunk) => {
    text += chunk.toString();
    for (const arrival of arrivals) arrival();
  });
  socket.once('end', () => {
    end = 'fin';
    fin.resolve();
  });
  socket.on('error', () => {
    end = 'reset';
  });
  socket.once('close', () => closed.resolve());
  socket.resume();
  return {
    socket,
    async received(expected) {
      while (!text.includes(expected)) {
        const arrival = Promise.withResolvers<void>();
        arrivals.add(arrival.resolve);
        await arrival.promise;
        arrivals.delete(arrival.resolve);
      }
    },
    fin: fin.promise,
    closed: closed.promise,
    seen: () => ({ text, end }),
  };
}

/** More than plain TCP on loopback and any window on the way may hold. */
const boundBytes = 40 * 1024 * 1024;

async function stopReader(path: Path, stopped: 'server' | 'client'): Promise<void> {
  const accepted = Promise.withResolvers<Socket>();
  await using target = await listen(accepted.resolve);
  const client = await path.dial(target.port);
  const server = await accepted.promise;
  const [reader, writer] = stopped === 'server' ? [server, client] : [client, server];
  reader.pause();

  const block = Buffer.alloc(256 * 1024, 'x');
  let stalled = false;
  while (!stalled) {
    assert.ok(writer.bytesWritten < boundBytes, 'the writer was not stopped');
    if (writer.write(block)) continue;
    stalled = await Promise.race([once(writer, 'drain').then(() => false), after(500)]);
  }

  let got = 0;
  reader.on('data', (chunk) => {
    got += chunk.length;
  });
  reader.resume();
  writer.end();
  await once(reader, 'end');
  assert.equal(got, writer.bytesWritten);
  reader.end();
  writer.resume();
  if (!writer.closed) await once(writer, 'close');
}

function after(ms: number): Promise<true> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, true);
  });
}
