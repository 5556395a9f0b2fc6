import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dnsOver, dnsSettings, parseClusterSettings, timeoutsOver } from './client-settings.ts';

function read(typed: unknown) {
  const parsed = parseClusterSettings(typed);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.why);
  return parsed.value;
}

function whyNot(typed: unknown): string {
  const parsed = parseClusterSettings(typed);
  assert.ok(!parsed.ok);
  return parsed.why;
}

test('an extension in the older style', () => {
  const said = read({
    manager: { namespace: 'staging' },
    'also-proxy': ['10.1.0.0/16'],
    'never-proxy': ['10.2.0.0/16'],
    'allow-conflicting-subnets': ['10.3.0.0/16'],
    dns: {
      'include-suffixes': ['.corp'],
      'exclude-suffixes': [],
      excludes: ['mine'],
      mappings: [{ name: 'a', aliasFor: 'b' }],
      'lookup-timeout': '30s',
      'remote-ip': '10.0.0.1',
    },
  });
  assert.equal(said.managerNamespace, 'staging');
  assert.deepEqual(said.alsoProxy, ['10.1.0.0/16']);
  assert.deepEqual(said.neverProxy, ['10.2.0.0/16']);
  assert.deepEqual(said.allowConflictingSubnets, ['10.3.0.0/16']);
  assert.deepEqual(said.dns.includeSuffixes?.values, ['.corp']);
  assert.deepEqual(said.dns.excludeSuffixes?.values, []);
  assert.deepEqual(said.dns.excludes?.values, ['mine']);
  assert.equal(said.dns.mappings?.values[0]?.aliasFor, 'b');
  assert.equal(said.dns.lookupTimeoutMs, 30_000);
});

test('an extension with the names of config.yml', () => {
  const said = read({
    cluster: { defaultManagerNamespace: 'staging', mappedNamespaces: ['a'] },
    routing: { alsoProxySubnets: ['10.1.0.0/16'], neverProxySubnets: ['10.2.0.0/16'] },
    timeouts: { intercept: 5, clusterConnect: '1m' },
    dns: { excludeSuffixes: ['.com'], lookupTimeout: 2 },
  });
  assert.equal(said.managerNamespace, 'staging');
  assert.deepEqual(said.mappedNamespaces, ['a']);
  assert.deepEqual(said.alsoProxy, ['10.1.0.0/16']);
  assert.deepEqual(said.neverProxy, ['10.2.0.0/16']);
  assert.equal(said.timeouts.interceptMs, 5000);
  assert.equal(said.timeouts.clusterConnectMs, 60_000);
  assert.deepEqual(said.dns.excludeSuffixes?.values, ['.com']);
  assert.equal(said.dns.lookupTimeoutMs, 2000);
});

test('virtual addresses, by the newer names and by the older one', () => {
  const routing = { virtualSubnet: '100.64.0.0/16', autoResolveConflicts: false };
  const said = read({ routing });
  assert.equal(said.virtualSubnet, '100.64.0.0/16');
  assert.equal(said.autoResolveConflicts, false);
  const old = read({ cluster: { virtualIPSubnet: '246.1.0.0/16' } });
  assert.equal(old.virtualSubnet, '246.1.0.0/16');
  assert.equal(old.autoResolveConflicts, undefined);
  assert.match(whyNot({ routing: { virtualSubnet: 'x' } }), /^routing\.virtualSubnet: a subnet/);
  assert.match(
    whyNot({ routing: { autoResolveConflicts: 'no' } }),
    /autoResolveConflicts: boolean/,
  );
});

test('none, and ones that cannot be read', () => {
  for (const nothing of [undefined, null, {}]) assert.equal(read(nothing).managerNamespace, '');
  assert.match(whyNot({ 'also-proxy': ['x'] }), /^also-proxy\.0: a subnet expected$/);
  assert.match(whyNot({ dns: { mappings: [{ name: 'a' }] } }), /^dns\.mappings\.0\.aliasFor: /);
  assert.match(
    whyNot({ dns: { lookupTimeout: 'soon' } }),
    /^dns\.lookupTimeout: a duration such as 20s expected$/,
  );
  assert.match(whyNot({ timeouts: { intercept: '-1s' } }), /^timeouts\.intercept: /);
  assert.match(whyNot('text'), /object expected/);
});

test('what says nothing lets the next one speak; an empty list says something', () => {
  const first = dnsSettings({ excludeSuffixes: [], excludes: undefined });
  const second = dnsSettings({ excludeSuffixes: ['.com'], excludes: ['x'], lookupTimeout: 1000 });
  const both = dnsOver(first, second);
  assert.deepEqual(both.excludeSuffixes?.values, []);
  assert.deepEqual(both.excludes?.values, ['x']);
  assert.equal(both.lookupTimeoutMs, 1000);
  assert.equal(both.mappings, undefined);
  const waits = read({ timeouts: { intercept: 5 } }).timeouts;
  assert.equal(timeoutsOver(undefined, waits).interceptMs, 5000);
});
