import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '#base/clock.ts';
import { nearlyText } from '#base/nearly.fixture.ts';
import { clusterDns, lookupRaw } from './dns-lookup.ts';

const never = new AbortController().signal;
const query = Buffer.from('abcd01000001000000000000', 'hex');

test('resolv.conf as the kubelet writes it', () => {
  const text =
    'search ambassador.svc.example.org svc.example.org example.org\nnameserver 10.96.0.10\noptions ndots:5\n';
  assert.deepEqual(clusterDns(text), { nameserver: '10.96.0.10', domain: 'example.org' });
  assert.deepEqual(clusterDns(''), { nameserver: '127.0.0.1', domain: 'cluster.local' });
  assert.equal(clusterDns('search a.svc.K8S.local. svc.K8S.local.').domain, 'k8s.local');
  // A nameserver that is missing is not the next line's first word.
  assert.equal(clusterDns('nameserver\nsearch svc.a\n').nameserver, '127.0.0.1');
  // The last of them counts, as for the pod's own programs.
  assert.equal(clusterDns('search svc.old\nsearch svc.new\n').domain, 'new');
});

test('whatever is in resolv.conf, soon: an address to ask, and a domain', () => {
  const sample =
    'search shop.svc.example.org svc.example.org example.org\nnameserver fd00::10\nnameserver 10.96.0.10\n';
  const signs = ['\n', ' ', '\t', '%', '#', 'nameserver ', 'search ', 'svc.', '.', '::', '\r'];
  fc.assert(
    fc.property(nearlyText([sample], signs), (text) => {
      const { nameserver, domain } = clusterDns(text);
      assert.notEqual(net.isIP(nameserver), 0, nameserver);
      assert.match(domain, /^[^.\s]\S*$/);
    }),
    { numRuns: 1000 },
  );
  const domain = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,8}){0,3}$/);
  const namespace = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}[a-z]$/);
  fc.assert(
    fc.property(domain, namespace, fc.oneof(fc.ipV4(), fc.constant('fd00:96::a')), (of, at, to) => {
      const text = `search ${at}.svc.${of} svc.${of} ${of} corp.example\nnameserver ${to}\n`;
      assert.deepEqual(clusterDns(text), { nameserver: to, domain: of });
    }),
  );
  const began = performance.now();
  clusterDns(`${'\n'.repeat(500_000)}x`);
  clusterDns(`search${' '.repeat(500_000)}x`);
  assert.ok(performance.now() - began < 5000, 'it takes as long as its length squared');
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
