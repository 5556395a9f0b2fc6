import assert from 'node:assert/strict';
import { test } from 'node:test';

import { offers, wantedOf } from './wanted.ts';

const take = (interceptUid: string, containerPort = 80) => ({
  interceptUid,
  containerPort,
  protocol: 'TCP',
});
const nobody = (): boolean => false;

test('what any manager wants is wanted, once', () => {
  const a = { takes: [take('x')], reachable: true };
  const b = { takes: [take('x'), take('y', 81)], reachable: true };
  assert.deepEqual(wantedOf([a, b], nobody), {
    takes: [take('x'), take('y', 81)],
    reachable: true,
  });
  assert.deepEqual(wantedOf([], nobody), { takes: [], reachable: false });
});

test('a manager that cannot be reached wants nothing, unless it is the only one', () => {
  const lost = { takes: [take('x')], reachable: false };
  assert.deepEqual(wantedOf([lost, { takes: [], reachable: true }], nobody).takes, []);
  assert.deepEqual(wantedOf([lost], nobody), { takes: [take('x')], reachable: false });
  assert.equal(offers(lost, 'x', 'TCP'), false);
});

test('where two name different takers of a port, who has it keeps it', () => {
  const sources = [take('x'), take('y')].map((one) => ({ takes: [one], reachable: true }));
  for (const has of ['x', 'y']) {
    assert.equal(
      wantedOf(sources, ({ interceptUid }) => interceptUid === has).takes[0]?.interceptUid,
      has,
    );
  }
});

test('what is taken of one protocol goes by the managers that know of it', () => {
  // One of before replaces TCP ports alone.
  const before = { takes: [take('x')], reachable: true };
  const now = { takes: [take('x'), { ...take('x'), protocol: 'UDP' }], reachable: true };
  const know = (protocol: 'TCP' | 'UDP') => [before, now].map((one) => offers(one, 'x', protocol));
  assert.deepEqual(know('TCP'), [true, true]);
  assert.deepEqual(know('UDP'), [false, true]);
  assert.equal(wantedOf([before, now], nobody).takes.length, 2);
});
