import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isList, isMap } from '../parse/value-kind.ts';
import { openApiSchema } from './open-api.ts';

/** What Kubernetes wants of a structural schema, as its documentation has it. */
function checkStructural(schema: unknown, path: string): void {
  assert.ok(isMap(schema), path);
  const has = (key: string): boolean => Object.hasOwn(schema, key);
  assert.ok(!has('$ref') && !has('default'), path);
  const isTyped = has('type');
  const isSpecial =
    has('x-kubernetes-int-or-string') || has('x-kubernetes-preserve-unknown-fields');
  assert.ok(isTyped || isSpecial, `${path} has no type`);
  for (const junction of ['allOf', 'anyOf', 'oneOf', 'not']) assert.ok(!has(junction), path);
  const { properties = {}, items } = schema;
  assert.ok(isMap(properties), path);
  for (const [name, one] of Object.entries(properties)) {
    checkStructural(one, `${path}.${name}`);
  }
  if (items !== undefined) checkStructural(items, `${path}[]`);
  if (has('x-kubernetes-list-map-keys')) checkMapKeys(schema['x-kubernetes-list-map-keys'], items);
}

/** Keys must be there in each item. */
function checkMapKeys(keys: unknown, items: unknown): void {
  assert.ok(isList(keys) && isMap(items) && isList(items['required']));
  for (const key of keys) assert.ok(items['required'].includes(key), String(key));
}

test('the schema of the custom resource is structural', () => {
  checkStructural(openApiSchema(), 'schema');
});

test('rules are in the language of the API server, and in words', () => {
  const text = JSON.stringify(openApiSchema());
  for (const rule of [
    'self.handlers.exists(h, h.name == i.handler)',
    '[has(self.image), has(self.build), has(self.compose)].filter(given, given).size() == 1',
    "!has(self.mapping) || (has(self.behavior) && self.behavior == 'remote')",
    '!(has(self.global) && self.global == true) || !(has(self.headers) || ',
  ]) {
    assert.ok(text.includes(rule), rule);
  }
});

test('patterns are of the kind that Go reads', () => {
  const text = JSON.stringify(openApiSchema());
  assert.doesNotMatch(text, /\(\?[=!<]/);
});
