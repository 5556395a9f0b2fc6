import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import {
  noteSentence,
  settingNotes,
  settingPaths,
  withoutNulls,
  type OtherSetting,
} from './check-settings.ts';
import { clusterSettingNotes, parseClusterSettings } from './client-settings.ts';
import { onlyInConfigFile, oldOtherSettings, otherSettings } from './other-settings.ts';
import { duration, size, wanted } from './setting-shapes.ts';

const other: OtherSetting[] = [
  { path: 'grpc.maxReceiveSize', shape: size, reason: 'nothing is so large' },
  { path: 'timeouts.proxyDial', shape: duration, reason: 'none' },
];
const heeded = ['timeouts.intercept', 'routing.neverProxySubnets', 'intercept.defaultPort'];

const said = (typed: unknown): string[] =>
  settingNotes(typed, { heeded, other }).map((note) => noteSentence(note, 'f'));

test('what is misspelt is named, with the name that was meant', () => {
  assert.deepEqual(said({ timeout: {}, routing: { neverProxySubnet: [] } }), [
    'f: there is no setting timeout (timeouts?)',
    'f: there is no setting routing.neverProxySubnet (routing.neverProxySubnets?)',
  ]);
  assert.deepEqual(said({ ROUTING: 1 }), ['f: there is no setting ROUTING (routing?)']);
  // The right name in the wrong place.
  assert.deepEqual(said({ defaultPort: 1 }), [
    'f: there is no setting defaultPort (intercept.defaultPort?)',
  ]);
  assert.deepEqual(said({ timeouts: { colour: 1 }, '': 1 }), [
    'f: there is no setting timeouts.colour',
    'f: there is no setting ',
  ]);
});

test('what has no meaning says why, and must be right all the same', () => {
  assert.deepEqual(said({ grpc: { maxReceiveSize: '10Mi' } }), [
    'f: grpc.maxReceiveSize has no meaning here: nothing is so large',
  ]);
  assert.deepEqual(said({ grpc: { maxReceiveSize: 'big' }, timeouts: { proxyDial: 'soon' } }), [
    'f: grpc.maxReceiveSize: a size such as 10Mi expected',
    'f: timeouts.proxyDial: a duration such as 20s expected',
  ]);
  assert.deepEqual(said({ grpc: 4 }), ['f: grpc: object expected']);
});

test('what is heeded is left to those who heed it; what is empty is not there', () => {
  assert.deepEqual(said({ timeouts: { intercept: 'nonsense' } }), []);
  assert.deepEqual(said({ timeouts: 5 }), []);
  assert.deepEqual(said({ timeouts: null, grpc: null }), []);
  assert.deepEqual(said({ grpc: { maxReceiveSize: null } }), []);
  for (const none of [undefined, null, 'text', 7]) assert.deepEqual(said(none), []);
  assert.deepEqual(said([]), ['f: object expected']);
  assert.deepEqual(said({ timeouts: [] }), ['f: timeouts: object expected']);
  assert.deepEqual(withoutNulls({ a: null, b: { c: null, d: 1 }, e: [null] }), {
    b: { d: 1 },
    e: [null],
  });
  assert.equal(withoutNulls(null), undefined);
});

test('the settings of a schema', () => {
  const schema = v.object({
    a: v.optional(v.object({ b: v.optional(v.string(), ''), c: v.optional(duration) }), {}),
    d: v.array(v.object({ e: v.string() })),
  });
  assert.deepEqual(settingPaths(schema), ['a.b', 'a.c', 'd']);
});

test('the tables have each setting once, and none that is heeded', () => {
  const all = [...onlyInConfigFile, ...otherSettings, ...oldOtherSettings].map(({ path }) => path);
  assert.equal(new Set(all).size, all.length);
  // What a kubeconfig heeds would be noted here.
  const typed = {
    manager: { namespace: 'a' },
    'also-proxy': [],
    cluster: { defaultManagerNamespace: 'a', mappedNamespaces: [] },
    routing: { alsoProxySubnets: [], neverProxy: [] },
    timeouts: { clusterConnect: 1, trafficManagerConnect: 1, intercept: 1 },
    dns: { excludes: [], 'lookup-timeout': '1s', lookupTimeout: '1s' },
  };
  assert.deepEqual(clusterSettingNotes(typed), []);
});

test('a kubeconfig’s cluster has no say in what is no matter of one cluster', () => {
  const notes = clusterSettingNotes({
    'also-proxi': [],
    intercept: { defaultPort: 80 },
    dns: { 'remote-ip': '10.0.0.1', 'include-sufixes': [] },
  });
  assert.deepEqual(
    notes.map(({ kind, path }) => `${kind} ${path}`),
    [
      'unknown also-proxi',
      'meaningless intercept.defaultPort',
      'meaningless dns.remote-ip',
      'unknown dns.include-sufixes',
    ],
  );
  assert.partialDeepStrictEqual(notes[0], { meant: 'also-proxy' });
});

test('sizes and durations', () => {
  const fits = (schema: v.GenericSchema, value: unknown): boolean =>
    v.safeParse(schema, value).success;
  for (const good of [0, 4096, '10Mi', '1.5G', '129e6', '128974848']) assert.ok(fits(size, good));
  for (const bad of [-1, '', 'Mi', '10 Mi', '1MiB', true, null]) assert.ok(!fits(size, bad));
  assert.equal(v.parse(duration, '1000000h'), 2 ** 31 - 1);
  assert.equal(v.parse(duration, Number.POSITIVE_INFINITY), 2 ** 31 - 1);
  assert.equal(v.parse(duration, 0.0004), 0);
  for (const bad of [Number.NaN, -1, 'x', [], undefined]) {
    const parsed = v.safeParse(duration, bad);
    assert.ok(!parsed.success);
    assert.equal(wanted(parsed.issues[0]), 'a duration such as 20s');
  }
});

test('whatever is typed is noted or read, and nothing throws', () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom('dns', 'routing', 'timeouts', 'excludes', '__proto__', 'constructor', 'grpc'),
  );
  const typed = fc.object({ key: name, maxDepth: 3, withNullPrototype: true });
  fc.assert(
    fc.property(fc.oneof(typed, fc.anything()), (value) => {
      for (const { at, path } of clusterSettingNotes(value)) assert.equal(at.join('.'), path);
      const parsed = parseClusterSettings(value);
      assert.ok(parsed.ok || parsed.why.endsWith(' expected'), parsed.ok ? '' : parsed.why);
    }),
    { numRuns: 1000 },
  );
});
