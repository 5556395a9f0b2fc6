import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subnets } from '#protocol/dial-policy.ts';
import { parseIp } from '#protocol/ip-address.ts';
import { createVirtualAddresses } from '#protocol/virtual/addresses.ts';
import type { FlowRequest } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { toRealTargets } from './real-targets.ts';

const { signal } = new AbortController();

/** A session that opens nothing and remembers what was asked for. */
function sample() {
  const virtual = createVirtualAddresses();
  const asked: FlowRequest[] = [];
  const session = {
    beginFlow(request: FlowRequest): never {
      asked.push(request);
      throw new TunnelError('Refused', 'nobody');
    },
  };
  const pick = toRealTargets(virtual, () => session);
  const begin = (request: Omit<FlowRequest, 'signal'>): void => {
    assert.throws(() => pick()?.beginFlow({ ...request, signal }), { code: 'Refused' });
  };
  return { virtual, asked, session, pick, begin };
}

test('nothing stands between where no address is virtual', () => {
  const { pick, session, virtual } = sample();
  assert.equal(pick(), session);
  assert.equal(toRealTargets(virtual, () => undefined)(), undefined);
});

test('flows go to the real address, by the workload that was named', () => {
  const { virtual, asked, begin, pick } = sample();
  virtual.set({
    ranges: subnets('246.246.0.0/16', 'fd00:0:0:246::/64'),
    virtual: subnets('10.96.0.0/16', 'fd00:10::/32'),
    via: subnets('10.244.0.0/16').map((subnet) => ({ subnet, workload: 'echo' })),
    spared: [],
  });
  for (const real of ['10.96.0.7', 'fd00:10::7', '10.244.0.7']) {
    const address = parseIp(real);
    assert.ok(address !== undefined && virtual.shown(address) !== undefined);
  }
  begin({ authority: '246.246.0.7:80' });
  begin({ authority: '[fd00:0:0:246::7]:53', kind: 'udp' });
  begin({ authority: '246.246.0.8:7', kind: 'echo', headers: { other: 'stays' } });
  begin({ authority: '172.16.0.1:80' });
  assert.deepEqual(
    asked.map(({ authority, kind, headers }) => [authority, kind, headers]),
    [
      ['10.96.0.7:80', undefined, undefined],
      ['[fd00:10::7]:53', 'udp', undefined],
      ['10.244.0.7:7', 'echo', { other: 'stays', 'telepresence-via': 'echo' }],
      ['172.16.0.1:80', undefined, undefined],
    ],
  );
  const lost = { authority: '246.246.9.9:80', signal };
  assert.throws(() => pick()?.beginFlow(lost), { code: 'Unreachable' });
});
