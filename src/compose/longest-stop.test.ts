import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestStopMs } from './longest-stop.ts';

test('each service has its own time to end, one after the other', () => {
  const services = {
    web: { stop_grace_period: '5m0s' },
    db: { stop_grace_period: '1m30s' },
    x: {},
  };
  const document = { name: 'shop', services, networks: {}, volumes: {} };
  assert.equal(longestStopMs(document, undefined), 400_000);
  assert.equal(longestStopMs(document, 2), 6000);
});
