import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeValues, setValues, type ValueTree } from './set-value.ts';

function set(...texts: readonly string[]): ValueTree {
  const values: ValueTree = {};
  for (const text of texts) setValues(values, text);
  return values;
}

// Helm's own documentation ("The Format and Limitations of --set").
test('what Helm documents', () => {
  assert.deepEqual(set('name=value'), { name: 'value' });
  assert.deepEqual(set('a=b,c=d'), { a: 'b', c: 'd' });
  assert.deepEqual(set('outer.inner=value'), { outer: { inner: 'value' } });
  assert.deepEqual(set('name={a, b, c}'), { name: ['a', ' b', ' c'] });
  assert.deepEqual(set('name=[]'), { name: '[]' });
  assert.deepEqual(set('name={}'), { name: [] });
  assert.deepEqual(set('servers[0].port=80'), { servers: [{ port: 80 }] });
  assert.deepEqual(set('servers[0].port=80,servers[0].host=example'), {
    servers: [{ port: 80, host: 'example' }],
  });
  assert.deepEqual(set('name=value1\\,value2'), { name: 'value1,value2' });
  assert.deepEqual(set('nodeSelector.kubernetes\\.io/role=master'), {
    nodeSelector: { 'kubernetes.io/role': 'master' },
  });
});

test('types, removal, later over earlier', () => {
  assert.deepEqual(set('a=true,b=false,c=12,d=-3,e=007,f=1.5,g='), {
    a: true,
    b: false,
    c: 12,
    d: -3,
    e: '007',
    f: '1.5',
    g: '',
  });
  assert.deepEqual(set('a.b=1,a.c=2', 'a.b=null'), { a: { c: 2 } });
  assert.deepEqual(set('a=1', 'a=x=y'), { a: 'x=y' });
});

test('what cannot be meant is said', () => {
  for (const text of ['', 'a', 'a,b=1', '=1', 'a[x]=1', 'a[1]=1', 'a=1,a.b=2', 'a.__proto__.b=1']) {
    assert.throws(() => set(text), { name: 'CliError', code: 'Usage' }, text);
  }
});

test('any string can be set when its special signs are escaped', () => {
  const escape = (text: string): string => text.replaceAll(/[\\,={}.[\]]/g, String.raw`\$&`);
  fc.assert(
    fc.property(fc.stringMatching(/^[ -Z^-~]{1,8}$/), fc.string(), (key, value) => {
      const plain = !/^(true|false|null|-?\d+)$/.test(value);
      fc.pre(plain && !['constructor', 'prototype', '__proto__'].includes(key));
      assert.deepEqual(set(`${escape(key)}=${escape(value)}`), { [key]: value });
    }),
  );
});

test('noise is refused as Usage or taken, never anything else', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-c.,=[\]{}\\0-9]{0,20}$/), (text) => {
      try {
        set(text);
      } catch (error) {
        assert.ok(error instanceof Error && error.name === 'CliError', text);
      }
    }),
  );
});

test('merging', () => {
  assert.deepEqual(mergeValues({ a: { b: 1, c: 2 }, l: [1] }, { a: { b: 3 }, l: [2], n: null }), {
    a: { b: 3, c: 2 },
    l: [2],
  });
});
