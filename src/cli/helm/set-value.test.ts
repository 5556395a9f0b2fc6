import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeValues, setValues, type SetFlag, type ValueTree } from './set-value.ts';

async function setBy(flag: SetFlag, ...texts: readonly string[]): Promise<ValueTree> {
  const values: ValueTree = {};
  const readFile = async (path: string): Promise<string> => `the file ${path}`;
  for (const text of texts) await setValues(values, text, { flag, readFile });
  return values;
}

async function set(...texts: readonly string[]): Promise<ValueTree> {
  return await setBy('set', ...texts);
}

// Helm's own documentation ("The Format and Limitations of --set").
test('what Helm documents', async () => {
  assert.deepEqual(await set('name=value'), { name: 'value' });
  assert.deepEqual(await set('a=b,c=d'), { a: 'b', c: 'd' });
  assert.deepEqual(await set('outer.inner=value'), { outer: { inner: 'value' } });
  assert.deepEqual(await set('name={a, b, c}'), { name: ['a', ' b', ' c'] });
  assert.deepEqual(await set('name=[]'), { name: '[]' });
  assert.deepEqual(await set('name={}'), { name: [''] });
  assert.deepEqual(await set('servers[0].port=80'), { servers: [{ port: 80 }] });
  assert.deepEqual(await set('servers[0].port=80,servers[0].host=example'), {
    servers: [{ port: 80, host: 'example' }],
  });
  assert.deepEqual(await set('name=value1\\,value2'), { name: 'value1,value2' });
  assert.deepEqual(await set('nodeSelector.kubernetes\\.io/role=master'), {
    nodeSelector: { 'kubernetes.io/role': 'master' },
  });
});

test('types, removal, later over earlier', async () => {
  assert.deepEqual(await set('a=true,b=false,c=12,d=-3,e=007,f=1.5,g='), {
    a: true,
    b: false,
    c: 12,
    d: -3,
    e: '007',
    f: '1.5',
    g: '',
  });
  assert.deepEqual(await set('a.b=1,a.c=2', 'a.b=null'), { a: { b: null, c: 2 } });
  assert.deepEqual(await set('a=1', 'a=x=y'), { a: 'x=y' });
});

test('what cannot be meant is said', async () => {
  for (const text of ['', 'a', 'a,b=1', '=1', 'a[x]=1', 'a=1,a.b=2', 'a.__proto__.b=1']) {
    await assert.rejects(async () => await set(text), { name: 'CliError', code: 'Usage' }, text);
  }
});

test('any string can be set when its special signs are escaped', async () => {
  const escape = (text: string): string => text.replaceAll(/[\\,={}.[\]]/g, String.raw`\$&`);
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[ -Z^-~]{1,8}$/), fc.string(), async (key, value) => {
      const plain = !/^(true|false|null|-?\d+)$/.test(value);
      fc.pre(plain && !['constructor', 'prototype', '__proto__'].includes(key));
      assert.deepEqual(await set(`${escape(key)}=${escape(value)}`), { [key]: value });
    }),
  );
});

test('noise is refused as Usage or taken, never anything else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[a-c.,=[\]{}\\0-9]{0,20}$/), async (text) => {
      try {
        await set(text);
      } catch (error) {
        assert.ok(error instanceof Error && error.name === 'CliError', text);
      }
    }),
  );
});

test('merging', async () => {
  assert.deepEqual(mergeValues({ a: { b: 1, c: 2 }, l: [1] }, { a: { b: 3 }, l: [2], n: null }), {
    a: { b: 3, c: 2 },
    l: [2],
    n: null,
  });
});

test('text only, JSON, files', async () => {
  assert.deepEqual(await setBy('set-string', 'a=1,b={true,x}'), { a: '1', b: ['true', 'x'] });
  assert.deepEqual(await setBy('set-json', 'a.b={"c":[1,"x,y"]},d[1]=null,e="\\"=,"'), {
    a: { b: { c: [1, 'x,y'] } },
    d: [null, null],
    e: '"=,',
  });
  assert.deepEqual(await setBy('set-json', '{"a":{"b":1}}'), { a: { b: 1 } });
  assert.deepEqual(await setBy('set-file', 'a=x.txt,b.c=y'), {
    a: 'the file x.txt',
    b: { c: 'the file y' },
  });
  for (const text of ['a', 'a={', 'a=1x', '[1]', '{"a":']) {
    const usage = { name: 'CliError', code: 'Usage' };
    await assert.rejects(async () => await setBy('set-json', text), usage, text);
  }
});
