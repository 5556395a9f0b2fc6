import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isList, isMap } from '../parse/value-kind.ts';
import { openApiSchema } from './open-api.ts';

const junctions = ['allOf', 'anyOf', 'oneOf', 'not'];

/** What Kubernetes wants of a structural schema, as its documentation has it. */
function checkStructural(schema: unknown, path: string, inJunction: boolean): void {
  assert.ok(isMap(schema), path);
  const has = (key: string): boolean => Object.hasOwn(schema, key);
  assert.ok(!has('$ref') && !has('default'), path);
  const isTyped = has('type');
  const isSpecial =
    has('x-kubernetes-int-or-string') || has('x-kubernetes-preserve-unknown-fields');
  if (inJunction) {
    for (const key of ['type', 'description', 'additionalProperties', 'nullable']) {
      assert.ok(!has(key), `${path}.${key}`);
    }
    assert.ok(!isSpecial, path);
  } else assert.ok(isTyped || isSpecial, `${path} has no type`);
  const { properties = {}, items } = schema;
  assert.ok(isMap(properties), path);
  for (const [name, one] of Object.entries(properties)) {
    checkStructural(one, `${path}.${name}`, inJunction);
  }
  if (items !== undefined) checkStructural(items, `${path}[]`, inJunction);
  if (has('x-kubernetes-list-map-keys')) checkMapKeys(schema['x-kubernetes-list-map-keys'], items);
  for (const junction of junctions.filter(has)) {
    const inside = schema[junction];
    for (const one of isList(inside) ? inside : [inside]) {
      checkStructural(one, `${path}.${junction}`, true);
    }
  }
}

/** Keys must be there in each item. */
function checkMapKeys(keys: unknown, items: unknown): void {
  assert.ok(isList(keys) && isMap(items) && isList(items['required']));
  for (const key of keys) assert.ok(items['required'].includes(key), String(key));
}

test('the schema of the custom resource is structural', () => {
  checkStructural(openApiSchema(), 'schema', false);
});

test('patterns are of the kind that Go reads', () => {
  const text = JSON.stringify(openApiSchema());
  assert.doesNotMatch(text, /\(\?[=!<]/);
});
