import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownMounts } from './own-mounts.ts';

test('where the user’s own words mount something', () => {
  const options = [
    { name: 'volume', value: '/here:/data:ro' },
    { name: 'volume', value: '/cache/' },
    { name: 'volume', value: String.raw`C:\here:/from-windows` },
    { name: 'mount', value: 'type=bind,source=/x,target=/etc//app,readonly' },
    { name: 'mount', value: 'type=tmpfs,dst=/run' },
    { name: 'tmpfs', value: '/tmp:size=1m' },
    { name: 'env', value: '/not' },
  ];
  const expected = ['/data', '/cache', '/from-windows', '/etc/app', '/run', '/tmp'];
  assert.deepEqual([...ownMounts(options)], expected);
});
