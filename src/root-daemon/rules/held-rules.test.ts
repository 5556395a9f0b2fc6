import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { HostError } from '#host/errors.ts';
import { parseIp, parseSubnet } from '#protocol/ip-address.ts';
import { HeldRules } from './held-rules.ts';
import type { Rules } from './rules.ts';
import { rulesText } from './rules-text.ts';

const signal = AbortSignal.timeout(10_000);
const addresses = (...texts: string[]) => texts.flatMap((text) => parseIp(text) ?? []);
const endpoints = (text: string, port: number) =>
  addresses(text).map((address) => ({ address, port }));
const wanted: Rules = {
  redirectPort: 4000,
  routed: [parseSubnet('10.96.0.0/12') ?? []].flat(),
  spared: [],
  sparedPorts: [],
  services: [],
  openServices: [],
  names: { nameservers: addresses('198.51.100.53'), port: 4053 },
  gate: 'zone',
  apart: true,
  bridges: [
    {
      device: 'docker0',
      flows: endpoints('172.17.0.1', 4100),
      names: endpoints('172.17.0.1', 4101),
    },
  ],
  bridgeNameservers: addresses('198.51.100.53'),
};

/** A kernel that refuses some rules. */
function held(refuses: (body: string) => boolean, forget = async (): Promise<void> => {}) {
  const bodies: string[] = [];
  const rules = new HeldRules({
    clock: systemClock,
    log: silentLogger,
    table: {
      async replace(body) {
        if (refuses(body)) throw new HostError('NftFailed', 'nft refused a change');
        bodies.push(body);
      },
      update: async () => {},
    },
    forgetDnsFlows: forget,
  });
  return { rules, bodies };
}

const hasZones = (body: string): boolean => body.includes('ct zone');
const hasBridges = (body: string): boolean => body.includes('docker0');

test('a kernel without zones still lets containers in; one without bridges keeps its zones', async () => {
  assert.ok(hasZones(rulesText(wanted)) && hasBridges(rulesText(wanted)));
  const cases = [
    [() => false, true, 'zone'],
    [hasZones, true, 'untracked'],
    [hasBridges, false, 'zone'],
    [(body: string) => hasZones(body) || hasBridges(body), false, 'untracked'],
  ] as const;
  for (const [refuses, bridges, gate] of cases) {
    const { rules, bodies } = held(refuses);
    using _held = rules;
    await rules.apply(wanted, signal);
    assert.equal(rules.now?.bridges.length, bridges ? 1 : 0);
    assert.equal(rules.now?.gate, gate);
    assert.equal(rules.gate, gate);
    assert.equal(bodies.length, 1);
  }
  await assert.rejects(held(() => true).rules.apply(wanted, signal), { code: 'NftFailed' });
});

test('old ways of names that cannot be forgotten do not undo what stands', async () => {
  const { rules } = held(
    () => false,
    async () => {
      throw new Error('conntrack is busy');
    },
  );
  using _held = rules;
  await rules.apply(wanted, signal);
  assert.equal(rules.now, wanted);
});
