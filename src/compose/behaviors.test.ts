import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceIntent } from '#spec/compose-spec.ts';
import { readBehaviors } from './behaviors.ts';
import { parseComposeDocument, type ComposeDocument } from './document.ts';

const project = (extension: unknown, top = ''): ComposeDocument =>
  parseComposeDocument(
    `name: shop\nservices:\n  web:\n    image: web\n    x-telepresence: ${JSON.stringify(extension)}\n  db: {image: db}\n${top}`,
  );

test('what a service says of itself is its behaviour', () => {
  const said = { behavior: 'remote', mapping: { name: 'shop', namespace: 'prod' } };
  assert.deepEqual(readBehaviors(project(said), []).get('web'), said);
  assert.equal(readBehaviors(project(said), []).get('db'), undefined);
  assert.deepEqual(readBehaviors(project({}), []).get('web'), { behavior: 'local' });
});

test('the specification counts, whole', () => {
  const said = { behavior: 'remote', mapping: { name: 'shop' } };
  const intents: ServiceIntent[] = [
    { name: 'web', behavior: 'interceptHandler', intercepts: ['a'] },
  ];
  const found = readBehaviors(project(said), intents);
  assert.deepEqual(found.get('web'), { behavior: 'interceptHandler', intercepts: ['a'] });
});

const local = { behavior: 'local' };
const bad: readonly (readonly [unknown, readonly ServiceIntent[], RegExp, RegExp?])[] = [
  [
    { behaviour: 'local' },
    [],
    /services\.web\.x-telepresence\.behaviour: is no field \(did you mean behavior\?\); allowed: behavior, mapping, intercepts, connection/,
  ],
  [{ name: 'web' }, [], /x-telepresence\.name: is no field: the service is the one/],
  [
    { behavior: 'interceptor' },
    [],
    /x-telepresence\.behavior: is the text "interceptor"; allowed: interceptHandler, remote or local/,
  ],
  [
    { behavior: 'remote', mapping: { service: 'a', name: 'b' } },
    [],
    /mapping\.service: is no field; allowed: name, namespace/,
  ],
  [{ behavior: 'remote', mapping: {} }, [], /mapping\.name: is missing/],
  [
    { behavior: 'remote', mapping: 'a' },
    [],
    /mapping: is the text "a"; allowed: a map with name, namespace/,
  ],
  [
    { intercepts: 'a', behavior: 'interceptHandler' },
    [],
    /intercepts: is the text "a"; allowed: a list/,
  ],
  ['remote', [], /x-telepresence: is the text "remote"; allowed: a map with behavior, mapping/],
  [
    { ...local, mapping: { name: 'a' } },
    [],
    /web\.x-telepresence\.mapping: stands beside behavior: local; allowed: only with behavior: remote/,
  ],
  [
    { ...local, intercepts: ['a'] },
    [],
    /intercepts: stands beside behavior: local; allowed: only with behavior: interceptHandler/,
  ],
  [
    local,
    [{ name: 'wep', behavior: 'local' }],
    /the Compose project shop has no service wep/,
    /it has web, db/,
  ],
];

for (const [extension, intents, message, hint] of bad) {
  test(`refused: ${JSON.stringify(extension)} ${JSON.stringify(intents)}`, () => {
    assert.throws(
      () => readBehaviors(project(extension), intents),
      (error: Error & { hint?: string }) => {
        assert.match(error.message, message);
        if (hint !== undefined) assert.match(error.hint ?? '', hint);
        return true;
      },
    );
  });
}

test('x-telepresence stands in a service', () => {
  assert.throws(() => readBehaviors(project(local, 'x-telepresence: {}\n'), []), /stands in none/);
});
