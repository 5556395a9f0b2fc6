import assert from 'node:assert/strict';
import { test } from 'node:test';

import { maxLinkDomains } from '#host/resolved.ts';
import { subnets } from '#protocol/dial-policy.ts';

import { linkDomains, reverseZones } from './link-domains.ts';
import type { NameRule } from './whose-name.ts';

const rule = (fields: Partial<NameRule> = {}): NameRule => ({
  clusterDomain: 'cluster.local',
  namespaces: new Set(['demo', 'dev']),
  answerSocket: '/run/names.sock',
  excludeSuffixes: ['io'],
  includeSuffixes: ['corp'],
  excludes: new Set(),
  mapped: new Set(['db.corp.example', 'db']),
  lookupTimeoutMs: 0,
  search: ['demo.svc.cluster.local'],
  subnets: subnets('10.96.0.0/16'),
  ...fields,
});

test('the search domain is appended, all others only routed', () => {
  assert.deepEqual(
    linkDomains(rule()).map(({ name, routeOnly }) => `${routeOnly ? '~' : ''}${name}`),
    [
      'demo.svc.cluster.local',
      '~cluster.local',
      '~svc',
      '~tel2-search',
      '~corp',
      '~db.corp.example',
      '~demo',
      '~dev',
      '~96.10.in-addr.arpa',
    ],
  );
});

test('a namespace called like an excluded suffix does not take the world its names', () => {
  const domains = linkDomains(rule({ namespaces: new Set(['io', 'app']) }));
  const names = new Set(domains.map(({ name }) => name));
  assert(names.has('app') && !names.has('io'));
});

test('never more than systemd-resolved takes, the most valuable first', () => {
  const namespaces = new Set(Array.from({ length: 1000 }, (_, index) => `n${String(index)}`));
  const domains = linkDomains(rule({ namespaces }));
  assert.equal(domains.length, maxLinkDomains);
  assert.deepEqual(domains[1], { name: 'cluster.local', routeOnly: true });
});

test('zones of reverse names', () => {
  const zones = (text: string): string[] => subnets(text).flatMap(reverseZones);
  assert.deepEqual(zones('10.0.0.0/8'), ['10.in-addr.arpa']);
  assert.equal(zones('10.96.0.0/12').length, 16);
  assert.equal(zones('10.96.0.0/12').at(-1), '111.10.in-addr.arpa');
  assert.deepEqual(zones('10.0.0.0/9'), []);
  assert.deepEqual(zones('10.1.2.3/32'), ['3.2.1.10.in-addr.arpa']);
  assert.deepEqual(zones('fd00:10:96::/108'), [
    '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa',
  ]);
  assert.deepEqual(zones('0.0.0.0/0'), []);
});
