import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { before, test } from 'node:test';

import { openRuleTable } from '#host/nft.ts';
import { enterOwnNetworkNamespace } from '#host/own-namespace.ts';
import { parseIp, parseSubnet } from '#protocol/ip-address.ts';

import { rulesChange } from './change.ts';
import type { Rules } from './rules.ts';
import { rulesText } from './rules-text.ts';

before(() => enterOwnNetworkNamespace());

const subnets = (...texts: string[]) => texts.flatMap((text) => parseSubnet(text) ?? []);
const addresses = (...texts: string[]) => texts.flatMap((text) => parseIp(text) ?? []);
const endpoints = (text: string, port: number) =>
  addresses(text).map((address) => ({ address, port }));
const both: Rules = {
  redirectPort: 4000,
  // The second lies in the first, the third is there twice.
  routed: subnets('10.96.0.0/12', '10.97.0.0/16', 'fd00::/64', 'fd00::/64'),
  spared: subnets('10.96.5.0/24', 'fd00::5'),
  sparedPorts: addresses('10.96.0.1', 'fd00::1').map((address) => ({ address, port: 443 })),
  services: subnets('10.96.0.0/12', 'fd00::/64'),
  openServices: addresses('10.96.0.9', 'fd00::9').map((address) => ({ address, port: 80 })),
  names: { nameservers: addresses('198.51.100.53', '2001:db8::53'), port: 4053 },
  gate: 'zone',
  apart: true,
  bridges: [
    {
      device: 'docker0',
      flows: endpoints('172.17.0.1', 4100),
      names: endpoints('172.17.0.1', 4101),
    },
    {
      device: 'br-0123456789ab',
      flows: [...endpoints('172.18.0.1', 4102), ...endpoints('fd00:18::1', 4103)],
      names: [...endpoints('172.18.0.1', 4104), ...endpoints('fd00:18::1', 4105)],
    },
  ],
  bridgeNameservers: addresses('198.51.100.53', '2001:db8::53'),
};

test('the kernel takes the rules of both families, and changes from any to any', async () => {
  const signal = AbortSignal.timeout(10_000);
  await using table = await openRuleTable({ directory: tmpdir() }, { name: 'tp', signal });
  const empty: Rules = {
    ...both,
    redirectPort: 0,
    routed: [],
    spared: [],
    sparedPorts: [],
    services: [],
    openServices: [],
    names: undefined,
    gate: 'none',
    bridges: [],
    bridgeNameservers: [],
  };
  const untracked: Rules = { ...both, gate: 'untracked', apart: false };
  for (const rules of [
    both,
    empty,
    { ...both, names: undefined },
    untracked,
    { ...both, bridges: [] },
    { ...both, names: undefined, bridgeNameservers: [] },
    { ...both, routed: [] },
  ]) {
    await table.replace(rulesText(rules), signal);
  }
});

test('ten thousand open services are loaded and changed in time', async () => {
  const signal = AbortSignal.timeout(10_000);
  const openServices = Array.from({ length: 10_000 }, (_, index) => ({
    address: { family: 4 as const, value: 0x0a600000n + BigInt(index) },
    port: 80,
  }));
  await using table = await openRuleTable({ directory: tmpdir() }, { name: 'tp', signal });
  const full = { ...both, openServices };
  await table.replace(rulesText(full), signal);
  const change = rulesChange(full, { ...full, openServices: openServices.slice(5) });
  assert(change.kind === 'elements');
  assert.equal(change.changes.length, 5);
  await table.update(change.changes, signal);
  const set = execFileSync('nft', ['list', 'set', 'inet', 'tp', 'open4']).toString();
  assert.equal(set.match(/ \. 80/g)?.length, 9995);
});
