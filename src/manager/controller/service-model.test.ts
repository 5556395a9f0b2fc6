import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { service } from '../state/sample-world.ts';
import { createServiceModel, type ServiceChanges } from './service-model.ts';

test('everything at first, then only what changed, a burst at once', async () => {
  const model = createServiceModel({ clock: systemClock });
  const add = (name: string, port = 80): void => {
    const object = service(name, [{ port }]);
    model.onService({ type: 'added', key: `shop/${name}`, object });
  };
  add('a');
  add('b');
  const stop = new AbortController();
  const follow = model.follow((namespace) => namespace === 'shop', stop.signal);
  const iterator = follow[Symbol.asyncIterator]();
  const next = async (): Promise<ServiceChanges> => {
    const { value, done } = await iterator.next();
    assert.ok(done !== true);
    return value;
  };
  assert.deepEqual(
    (await next()).changed.map((one) => one.name),
    ['a', 'b'],
  );
  const waiting = next();
  add('b');
  add('c');
  add('c', 81);
  model.onService({ type: 'deleted', key: 'shop/a', object: service('a') });
  const { changed, removed } = await waiting;
  assert.deepEqual(
    changed.map((one) => [one.name, one.ports[0]?.port]),
    [['c', 81]],
  );
  assert.deepEqual(removed, ['shop/a']);
  const last = iterator.next();
  stop.abort();
  assert.equal((await last).done, true);
});
