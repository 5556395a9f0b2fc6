import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserDaemonError } from '../errors.ts';
import { refuseOverlap } from './overlap.ts';

const info = { serviceSubnets: ['10.96.0.0/12'], podSubnets: ['10.244.0.0/16'], alsoProxy: [] };

test('a network of containers may have no address of the cluster', () => {
  refuseOverlap([], info);
  refuseOverlap(['192.168.231.2/24', 'fd00::2/64'], info);
  for (const [own, its] of [
    ['10.100.7.2/24', '10.96.0.0/12'],
    ['10.244.0.2/8', '10.96.0.0/12'],
    ['10.244.9.2/24', '10.244.0.0/16'],
  ] as const) {
    assert.throws(
      () => refuseOverlap(['192.168.231.2/24', own], info),
      (error) => {
        assert.ok(error instanceof UserDaemonError);
        assert.equal(error.code, 'NetworkOverlaps');
        assert.ok(error.message.endsWith(`overlaps with the cluster's ${its}`), error.message);
        assert.equal(error.facts['avoid'], '10.96.0.0/12,10.244.0.0/16');
        return true;
      },
    );
  }
});
