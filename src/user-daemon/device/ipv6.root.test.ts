// What device.root.test.ts shows of IPv4, where the family could make a difference.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { before, test } from 'node:test';
import { enterOwnNetworkNamespace } from '#host/own-namespace.ts';
import { systemClock } from '#base/clock.ts';
import { createOpenEcho } from '#host/ping-socket.ts';
import { createDatagramDialer, openUdp } from '#tunnel/dial-udp.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { connectTo, startLaptop } from './laptop.fixture.ts';

before(() => {
  enterOwnNetworkNamespace();
  execFileSync('sysctl', ['-q', 'net.ipv4.ping_group_range=0 2147483647']);
});

const pod = 'fd00:10:244::5';
const service = 'fd00:10:96::9';
const greet = (flow: IncomingFlow): void => {
  flow.accept().stream.write(`I am ${flow.authority}`);
};

test('a Service is redirected, and refused by the kernel at another port', async () => {
  await using _laptop = await startLaptop(greet);
  assert.equal((await connectTo(service, 80)).said, `I am [${service}]:80`);
  assert.equal((await connectTo(service, 81)).said, 'ECONNREFUSED');
  assert.equal((await connectTo('10.96.0.9', 80)).said, 'I am 10.96.0.9:80');
});

test('a pod is tried through the gate: open, open again, refused, unreachable', async () => {
  const dials: string[] = [];
  await using _laptop = await startLaptop((flow) => {
    dials.push(flow.authority);
    if (flow.authority.endsWith(':81')) flow.refuse('Refused');
    else if (flow.authority.endsWith(':82')) flow.refuse('Unreachable');
    else greet(flow);
  });
  for (const again of [1, 2]) {
    assert.equal((await connectTo(pod, 8080)).said, `I am [${pod}]:8080`, `time ${String(again)}`);
    assert.equal((await connectTo(pod, 81)).said, 'ECONNREFUSED', `time ${String(again)}`);
    assert.equal((await connectTo(pod, 82)).said, 'EHOSTUNREACH', `time ${String(again)}`);
  }
  assert.equal(dials.filter((one) => one.endsWith(':8080')).length, 2, 'one dial a connection');
  const set = ['list', 'set', 'inet', 'telepresence', 'dialled6'];
  assert.match(execFileSync('nft', set).toString(), /fd00:10:244::5 \. 8080/);
});

/** Datagrams are sent to loopback, whatever pod they are for. */
function datagrams(): (flow: IncomingFlow) => void {
  const udp = createDatagramDialer({ clock: systemClock, open: openUdp });
  const echo = createDatagramDialer({ clock: systemClock, open: createOpenEcho() });
  return (flow) => {
    const port = Number(/\]:(\d+)$/.exec(flow.authority)?.[1] ?? 7);
    if (flow.authority.includes('::66')) flow.refuse('Forbidden');
    else if (flow.kind === 'udp') udp(flow, { host: '::1', port });
    else if (flow.kind === 'echo') echo(flow, { host: '::1', port });
  };
}

test('UDP: every size comes back whole; closed is refused, prohibited is that', async () => {
  const server = createSocket('udp6', (bytes, from) => server.send(bytes, from.port, from.address));
  server.bind(0, '::1');
  await once(server, 'listening');
  await using _laptop = await startLaptop(datagrams());
  const connected = async (host: string, port: number) => {
    const socket = createSocket('udp6');
    socket.connect(port, host);
    await once(socket, 'connect');
    return socket;
  };
  const socket = await connected(pod, server.address().port);
  for (const length of [0, 1, 1452, 1453, 60_000]) {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(5000) });
    socket.send(Buffer.alloc(length, 'x'));
    const [bytes]: unknown[] = await answer;
    assert.ok(Buffer.isBuffer(bytes) && bytes.equals(Buffer.alloc(length, 'x')), String(length));
  }
  socket.close();
  server.close();
  for (const [host, code] of [
    [pod, 'ECONNREFUSED'],
    ['fd00:10:244::66', 'EACCES'],
  ] as const) {
    const refused = await connected(host, 9);
    const told = once(refused, 'error', { signal: AbortSignal.timeout(5000) });
    refused.send('anybody?');
    const [error]: unknown[] = await told;
    assert.ok(error instanceof Error && error.message.includes(code), String(error));
    refused.close();
  }
});

test('ping6 is answered by the far side', async () => {
  await using _laptop = await startLaptop(datagrams());
  const { socket, outgoing, incoming } = createOpenEcho()(pod);
  socket.connect(1, pod);
  await once(socket, 'connect');
  const heard = once(socket, 'message', { signal: AbortSignal.timeout(5000) });
  socket.send(outgoing(Buffer.from('\0\x07hello')) ?? assert.fail());
  const [bytes]: unknown[] = await heard;
  assert.ok(Buffer.isBuffer(bytes));
  assert.equal(String(incoming(bytes)), '\0\x07hello');
  socket.close();
});
