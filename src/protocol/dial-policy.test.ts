import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideDial, decidePodLoopback, subnets, type DialPolicy } from './dial-policy.ts';

const policy: DialPolicy = {
  subnets: subnets('10.96.0.0/12', '10.244.0.0/16', 'fd00:10::/64'),
  never: subnets('10.244.0.9', '10.96.7.7'),
};
// What an admin who lists everything would allow.
const everything: DialPolicy = { subnets: subnets('0.0.0.0/0', '::/0'), never: [] };

function reason(authority: string, by: DialPolicy = policy): string {
  const decision = decideDial(authority, by);
  return decision.ok ? `${decision.host} ${String(decision.port)}` : decision.reason;
}

test('services and pods are dialled', () => {
  assert.equal(reason('10.96.0.1:443'), '10.96.0.1 443');
  assert.equal(reason('10.244.3.4:65535'), '10.244.3.4 65535');
  assert.equal(reason('[fd00:10::4]:80'), 'fd00:10::4 80');
  assert.equal(reason('[::ffff:10.96.0.1]:80'), '10.96.0.1 80');
});

test('never, whatever the admin lists: loopback, link-local and metadata, multicast, nothing', () => {
  for (const [address, why] of [
    ['127.0.0.1', 'Loopback'],
    ['127.8.9.1', 'Loopback'],
    ['[::1]', 'Loopback'],
    ['[::ffff:127.0.0.1]', 'Loopback'],
    ['[::ffff:7f00:1]', 'Loopback'],
    ['[::127.0.0.1]', 'Loopback'],
    ['[64:ff9b::7f00:1]', 'Loopback'],
    ['169.254.169.254', 'LinkLocal'],
    ['[::ffff:169.254.169.254]', 'LinkLocal'],
    ['[64:ff9b::a9fe:a9fe]', 'LinkLocal'],
    ['[fe80::1]', 'LinkLocal'],
    ['[fd00:ec2::254]', 'LinkLocal'],
    ['224.0.0.1', 'Multicast'],
    ['[ff02::1]', 'Multicast'],
    ['0.0.0.0', 'Unspecified'],
    ['0.1.2.3', 'Unspecified'],
    ['[::]', 'Unspecified'],
    ['[::ffff:0.0.0.0]', 'Unspecified'],
    ['255.255.255.255', 'Reserved'],
    ['[64:ff9b:1::7f00:1]', 'Reserved'],
    ['[64:ff9b:1:ffff::]', 'Reserved'],
    ['[fec0::1]', 'Reserved'],
  ] as const) {
    assert.equal(reason(`${address}:80`), why, address);
    assert.equal(reason(`${address}:80`, everything), why, address);
    assert.equal(reason(`${address}:80`, { subnets: undefined, never: [] }), why, address);
  }
});

test('the manager itself and everything outside the subnets', () => {
  assert.equal(reason('10.244.0.9:10250'), 'Manager');
  assert.equal(reason('[::ffff:10.244.0.9]:10250'), 'Manager');
  assert.equal(reason('10.96.7.7:443'), 'Manager');
  assert.equal(reason('192.168.1.1:22'), 'OutsideSubnets');
  assert.equal(reason('8.8.8.8:53'), 'OutsideSubnets');
  assert.equal(reason('[2001:db8::1]:53'), 'OutsideSubnets');
  assert.equal(reason('8.8.8.8:53', everything), '8.8.8.8 53');
});

test('only addresses with ports: no names, no other spellings of addresses', () => {
  for (const authority of [
    'localhost:80',
    'web.shop:80',
    '10.96.0.1',
    '10.96.0.1:0',
    '10.96.0.1:65536',
    '10.96.0.1:80:80',
    '10.96.1:80',
    '0x7f.0.0.1:80',
    '0177.0.0.1:80',
    '2130706433:80',
    '[10.96.0.1',
    '::1:80',
    '[fe80::1%eth0]:80',
    '10.96.0.1:80/',
    'user@10.96.0.1:80',
    ' 10.96.0.1:80',
    '',
  ]) {
    assert.equal(reason(authority, everything), 'BadAuthority', authority);
  }
});

test('noise never passes and never throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const decision = decideDial(text, policy);
      if (decision.ok) assert.match(text, /^[[\]0-9a-f:.]+$/i);
    }),
  );
});

test('a pod’s loopback is one address, and the agent’s ports are not of it', () => {
  const decide = (authority: string) => decidePodLoopback(authority, new Set([9900]));
  assert.deepEqual(decide('127.0.0.1:5432'), { ok: true, host: '127.0.0.1', port: 5432 });
  assert.partialDeepStrictEqual(decide('127.0.0.1:9900'), { ok: false, reason: 'Reserved' });
  for (const authority of [
    '127.0.0.2:80',
    '127.0.74.39:80',
    '[::1]:80',
    '[::ffff:127.0.0.1]:80',
    '0.0.0.0:80',
    '10.96.0.1:80',
    '169.254.169.254:80',
    'localhost:80',
    '127.1:80',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1',
    '',
  ]) {
    assert.partialDeepStrictEqual(decide(authority), { ok: false, reason: 'BadAuthority' });
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const decision = decide(text);
      if (decision.ok) assert.equal(decision.host, '127.0.0.1');
    }),
  );
});
