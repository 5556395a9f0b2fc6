import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { before, test } from 'node:test';

import { openLibc } from './libc.ts';
import { createReadOriginalDestination, type OriginalDestination } from './original-destination.ts';
import { enterOwnNetworkNamespace } from './own-namespace.ts';

const read = createReadOriginalDestination({ libc: openLibc() });

before(() => {
  enterOwnNetworkNamespace();
});

/** Accepts one connection that a client made to `target`, and reads where it wanted to go. */
async function accepted(
  listen: net.ListenOptions,
  target: (port: number) => net.TcpNetConnectOpts,
): Promise<OriginalDestination | undefined> {
  const server = net.createServer().listen({ port: 0, ...listen });
  const client = new net.Socket();
  try {
    await once(server, 'listening');
    const address = server.address();
    assert(address !== null && typeof address === 'object');
    redirectTo(address.port);
    client.connect(target(address.port));
    const [socket] = await once(server, 'connection', { signal: AbortSignal.timeout(2000) });
    assert(socket instanceof net.Socket);
    const original = read(socket);
    socket.destroy();
    return original;
  } finally {
    client.destroy();
    server.close();
  }
}

function redirectTo(port: number): void {
  const input = `
    add table inet t
    delete table inet t
    table inet t {
      chain c {
        type nat hook output priority -110
        ip daddr 10.1.0.0/16 tcp dport != 1 redirect to :${port}
        ip6 daddr fd00::/64 tcp dport != 1 redirect to :${port}
      }
    }`;
  execFileSync('nft', ['-f', '-'], { input });
}

test('a redirected IPv4 connection tells where it wanted to go', async () => {
  const original = await accepted({ host: '127.0.0.1' }, () => ({ host: '10.1.2.3', port: 8080 }));
  assert.deepEqual(original, { address: '10.1.2.3', port: 8080 });
});

test('a redirected IPv6 connection tells where it wanted to go', async () => {
  const original = await accepted({ host: '::1' }, () => ({ host: 'fd00::a:0:0:5', port: 53 }));
  assert.deepEqual(original, { address: 'fd00::a:0:0:5', port: 53 });
});

test('an IPv4 connection on a dual-stack listener is asked as IPv4', async () => {
  const original = await accepted({ host: '::' }, () => ({ host: '10.1.2.3', port: 443 }));
  assert.deepEqual(original, { address: '10.1.2.3', port: 443 });
});

test('a connection dialled to the listener itself has no original destination', async () => {
  for (const host of ['127.0.0.1', '::1']) {
    assert.equal(await accepted({ host }, (port) => ({ host, port })), undefined);
  }
});

test('a closed socket has no original destination', () => {
  assert.equal(read(new net.Socket()), undefined);
});
