import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classInternet, dnsTypes } from '#protocol/dns-record.ts';
import { parseSubnet } from '#protocol/ip-address.ts';
import { whoseName, type NameOwner, type NameRule } from './whose-name.ts';

const rule: NameRule = {
  clusterDomain: 'cluster.local',
  namespaces: new Set(['default', 'dev']),
  answerSocket: '/x',
  excludeSuffixes: ['com', 'internal.svc'],
  search: ['default.svc.cluster.local'],
  includeSuffixes: ['corp.example'],
  excludes: new Set(['mine', 'mine.dev']),
  mapped: new Set(['mysql', 'db.example.com']),
  lookupTimeoutMs: 0,
  subnets: ['10.96.0.0/12', 'fd00::/64'].flatMap((text) => parseSubnet(text) ?? []),
};
const owner = (name: string, type: number = dnsTypes.A): NameOwner =>
  whoseName(rule, { name, type, class: classInternet });

const cases: Record<NameOwner, string[]> = {
  cluster: [
    'web.default.svc.cluster.local',
    'Nothing.CLUSTER.local',
    'cluster.local',
    // Nobody else knows what containers search in.
    'web.tel2-search',
    'www.example.com.TEL2-search',
    'tel2-search',
  ],
  perhaps: [
    'web',
    'web.default',
    'WEB.dev',
    'web.default.svc',
    'a.b.c.svc',
    'svc',
    'x.corp.example',
    // Mapped, also in the world's domains and with a search domain appended.
    'mysql',
    'db.example.com',
    'mysql.default.svc.cluster.local',
    '_http._tcp.web.default',
    '_http._tcp.web.default.svc',
  ],
  outside: [
    '',
    'example.org',
    'web.unknown',
    'www.web.dev',
    'www.example.com',
    'web.internal.svc',
    'mine.tel2-search',
    'notcluster.local',
    '_dmarc',
    '_http._tcp.example.org',
    'a\\.b.default.x',
    'mine',
    'Mine.default.svc.cluster.local',
    'mine.dev',
  ],
};
for (const [expected, names] of Object.entries(cases)) {
  test(`names that are ${expected}`, () => {
    for (const name of names) assert.equal(owner(name), expected, name);
  });
}

test('addresses of the cluster have names there', () => {
  const ptr = dnsTypes.PTR;
  const v6 = '5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa';
  assert.equal(owner('1.0.96.10.in-addr.arpa', ptr), 'perhaps');
  assert.equal(owner(v6, ptr), 'perhaps');
  assert.equal(owner(`${v6.slice(0, -13)}.e.f.ip6.arpa`, ptr), 'outside');
  assert.equal(owner('1.0.0.127.in-addr.arpa', ptr), 'outside');
  assert.equal(owner('96.10.in-addr.arpa', ptr), 'outside');
  assert.equal(owner('999.0.96.10.in-addr.arpa', ptr), 'outside');
});
