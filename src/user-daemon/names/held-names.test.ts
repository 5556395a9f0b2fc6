import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { DnsSettingsSchema, NameMappingSchema } from '#protocol/gen/telepresence_pb.ts';
import { createHeldNames } from './held-names.ts';

const mapping = (name: string, aliasFor: string) => create(NameMappingSchema, { name, aliasFor });
const none = { outside: [], mappings: [], fallbacks: [] };

test('what is held comes before what user and administrator say, and goes with its holder', () => {
  let changes = 0;
  const names = createHeldNames(() => (changes += 1));
  const settings = create(DnsSettingsSchema, {
    excludes: { values: ['Cache', 'other'] },
    mappings: { values: [mapping('db', 'db.users')] },
    lookupTimeoutMs: 7,
  });
  assert.equal(names.over(settings), settings);
  const first = names.hold({
    ...none,
    outside: ['db'],
    mappings: [mapping('cache', 'redis.prod')],
    fallbacks: [mapping('web', '127.0.0.1')],
  });
  const second = names.hold({ ...none, outside: ['queue'] });
  const over = names.over(settings);
  assert.deepEqual(over.excludes?.values, ['other', 'db', 'queue']);
  assert.deepEqual(
    over.mappings?.values.map(({ name, aliasFor }) => [name, aliasFor]),
    [
      ['cache', 'redis.prod'],
      ['db', 'db.users'],
    ],
  );
  assert.equal(over.lookupTimeoutMs, 7);
  assert.equal(names.fallbacks[0]?.name, 'web');
  first[Symbol.dispose]();
  assert.deepEqual(names.over(settings).excludes?.values, ['Cache', 'other', 'queue']);
  assert.deepEqual(names.fallbacks, []);
  second[Symbol.dispose]();
  second[Symbol.dispose]();
  assert.equal(names.over(settings), settings);
  assert.equal(changes, 4);
});
