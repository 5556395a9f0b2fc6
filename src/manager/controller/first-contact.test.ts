import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { KubeError } from '#kube/errors.ts';
import { atFirstContact } from './first-contact.ts';

const deps = { clock: systemClock, random: () => 0, log: silentLogger };
const { signal } = new AbortController();

test('an API server out of reach is asked again', async () => {
  const answers = ['Unreachable', 'Unavailable', undefined] as const;
  let asked = 0;
  const value = await atFirstContact(deps, signal, async () => {
    const code = answers[asked];
    asked += 1;
    if (code !== undefined) throw new KubeError(code, 'connect ECONNREFUSED');
    return 'here';
  });
  assert.equal(value, 'here');
  assert.equal(asked, 3);
});

test('what it refuses is said at once', async () => {
  let asked = 0;
  const refused = atFirstContact(deps, signal, async () => {
    asked += 1;
    throw new KubeError('Forbidden', 'no');
  });
  await assert.rejects(refused, { code: 'Forbidden' });
  assert.equal(asked, 1);
});

test('whoever ends the manager need not wait', async () => {
  const stop = new AbortController();
  const asking = atFirstContact(deps, stop.signal, async () => {
    stop.abort(new Error('SIGTERM'));
    throw new KubeError('Unreachable', 'connect ECONNREFUSED');
  });
  await assert.rejects(asking, /SIGTERM/);
});
