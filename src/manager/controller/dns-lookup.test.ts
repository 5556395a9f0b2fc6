import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { lookupRaw, parseResolvConf } from './dns-lookup.ts';

const never = new AbortController().signal;
const query = Buffer.from('abcd01000001000000000000', 'hex');

test('resolv.conf as the kubelet writes it', () => {
  const text =
    'search ambassador.svc.example.org svc.example.org example.org\nnameserver 10.96.0.10\noptions ndots:5\n';
  assert.deepEqual(parseResolvConf(text), { nameserver: '10.96.0.10', domain: 'example.org' });
  assert.equal(parseResolvConf('').domain, 'cluster.local');
});

test('by UDP, and by TCP where that is cut short; another’s answer is not ours', async () => {
  await using stack = new AsyncDisposableStack();
  // An address of loopback for this test alone, so that one port is free for both.
  const host = `127.${String(process.pid % 250)}.${String(Math.floor(process.pid / 250) % 250)}.53`;
  const tcp = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const answer = Buffer.from('abcd81800001000100000000ff', 'hex');
      const framed = Buffer.concat([Buffer.from([0, answer.length]), answer]);
      // In two pieces, as a network may.
      socket.write(framed.subarray(0, 3));
      setImmediate(() => socket.write(framed.subarray(3)));
    });
  });
  stack.defer(() => void tcp.close());
  tcp.listen(0, host);
  await once(tcp, 'listening');
  const address = tcp.address();
  assert.ok(address !== null && typeof address === 'object');
  const { port } = address;
  const udp = dgram.createSocket('udp4');
  stack.defer(() => void udp.close());
  udp.bind(port, host);
  await once(udp, 'listening');
  let truncated = false;
  udp.on('message', (_message, { port: to }) => {
    udp.send(Buffer.from('000081800001000100000000', 'hex'), to);
    udp.send(
      Buffer.from(truncated ? 'abcd83800001000000000000' : 'abcd81800001000100000000', 'hex'),
      to,
    );
  });
  const deps = { clock: systemClock, nameserver: host, port };
  const plain = await lookupRaw(deps, query, never);
  assert.equal(Buffer.from(plain).toString('hex'), 'abcd81800001000100000000');
  truncated = true;
  const long = await lookupRaw(deps, query, never);
  assert.equal(Buffer.from(long).toString('hex'), 'abcd81800001000100000000ff');
});

test('a server that is not there is an error, soon', async () => {
  const deps = { clock: systemClock, nameserver: '127.0.0.1', port: 1 };
  await assert.rejects(lookupRaw(deps, query, never), { code: 'ECONNREFUSED' });
});
