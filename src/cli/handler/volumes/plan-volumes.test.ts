import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DockerError } from '#docker/errors.ts';
import { whyNoPlugins } from './plan-volumes.ts';

test('copies only where there can be no plugins: a hiccup is an error, or writes would be lost', () => {
  assert.equal(whyNoPlugins(new DockerError('EngineUnfit', 'no plugins here')), 'no plugins here');
  for (const code of ['ImagePartMissing', 'Unreachable', 'NotRunning', 'CommandFailed'] as const) {
    const error = new DockerError(code, 'this time');
    assert.throws(() => whyNoPlugins(error), error);
  }
  const other = new TypeError('a bug');
  assert.throws(() => whyNoPlugins(other), other);
});
