import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import type { Duplex } from 'node:stream';
import { createRelayDialer } from '#kube/dial-relay.ts';
import { isKubeError } from '#kube/errors.ts';
import { connectCluster, namespace, podCounts, signal } from './laptop.ts';

const target = { namespace, service: 'relay', portName: 'api' };
const pin = { ca: process.env['E2E_CERT'] ?? '', serverName: 'relay.test' };

const enter = async (duplex: Duplex): Promise<Duplex> => duplex;

// Frames are for a relay that knows of them: e2e/ladder.test.ts.
for (const remembered of ['service-proxy', 'port-forward'] as const) {
  test(`${remembered}: the relay sees the same request, and HTTP/2 runs on the answer`, async () => {
    await using deps = await connectCluster();
    const dialer = createRelayDialer(deps, { target, pin, remembered });
    const started = performance.now();
    const request = { path: '/tunnel/http2', nonce: remembered, enter, signal };
    const { entered: duplex, via } = await dialer.dial(request);
    console.log(`${via} dialled in ${String(Math.round(performance.now() - started))} ms`);
    assert.equal(via, remembered);
    const counts = await podCounts(deps.client);
    assert.equal(counts.nonce, remembered);
    assert.equal(counts.authorization, '');
    const session = http2.connect('http://relay', { createConnection: () => duplex });
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    const sent = 'x'.repeat(3_000_000);
    stream.end(sent);
    assert.equal((await text(stream)).length, sent.length);
    session.close();
    await once(session, 'close', { signal });
  });
}

test('a relay with another certificate is not spoken to by port-forward', async () => {
  await using deps = await connectCluster();
  const errors: string[] = [];
  const dialer = createRelayDialer(deps, {
    target,
    pin: { ...pin, serverName: 'other.test' },
    remembered: 'port-forward',
    onOutcome: ({ via, error }) => errors.push(`${via} ${error?.message ?? 'works'}`),
  });
  const request = { path: '/tunnel/echo', nonce: 'n', enter, signal };
  const { entered: duplex, via } = await dialer.dial(request);
  assert.equal(via, 'service-proxy');
  assert.match(errors[0] ?? '', /port-forward .*its certificate is for other names/);
  duplex.destroy();
});

test('no way at all names each way and its reason', async () => {
  await using deps = await connectCluster({ as: 'bob' });
  const dialer = createRelayDialer(deps, { target, pin });
  const request = { path: '/tunnel/echo', nonce: 'n', enter, signal };
  await assert.rejects(dialer.dial(request), (error) => {
    assert.ok(isKubeError(error, 'Forbidden'));
    assert.match(error.message, /no way to the traffic-manager: service proxy .*; .*port-forward|/);
    assert.match(error.message, /services "relay" is forbidden.*cannot get resource "services"/);
    return true;
  });
});
