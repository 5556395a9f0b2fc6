import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findFirewallRule, type FirewallRule } from './firewall-rule.ts';

interface FakeChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
  readonly text?: string;
}

/** What is found on a machine with these chains. */
async function find(chains: readonly FakeChain[], legacy = ''): Promise<FirewallRule | undefined> {
  const nftables = [{ metainfo: {} }, ...chains.map((chain) => ({ chain }))];
  return await findFirewallRule(
    {
      runTool: async ({ args }) => {
        if (args[0] === '-j') return JSON.stringify({ nftables });
        return chains.find(({ name }) => name === args.at(-1))?.text ?? '';
      },
      readLegacyTables: async () => legacy,
    },
    { bridge: 'docker0', ownTable: 'telepresence' },
    AbortSignal.timeout(1000),
  );
}

const input: FakeChain = { family: 'ip', table: 'filter', name: 'INPUT', hook: 'input' };

test('a policy is named, in the words of the program whose it is', async () => {
  const drop = { ...input, policy: 'drop' };
  assert.deepEqual(await find([{ ...input, name: 'FORWARD', hook: 'forward' }, drop]), {
    what: 'chain INPUT of table ip filter (policy drop)',
    hint: 'sudo iptables -I INPUT -i docker0 -m conntrack --ctstate DNAT -j ACCEPT',
  });
  const ufw = await find([{ ...drop, text: 'counter jump ufw-before-input' }]);
  assert.equal(ufw?.hint, 'sudo ufw allow in on docker0');
  const own = await find([{ ...drop, family: 'inet', table: 'fire', name: 'in' }]);
  assert.deepEqual(own, {
    what: 'chain in of table inet fire (policy drop)',
    hint: 'sudo nft insert rule inet fire in iifname docker0 ct status dnat accept',
  });
});

test('a rule of a chain whose policy is to accept', async () => {
  const text = 'reject with icmpx admin-prohibited';
  const firewalld = { family: 'inet', table: 'firewalld', name: 'filter_INPUT', hook: 'input' };
  assert.deepEqual(
    await find([
      { ...input, policy: 'accept' },
      { ...firewalld, text },
    ]),
    {
      what: 'chain filter_INPUT of table inet firewalld',
      hint: 'sudo firewall-cmd --zone=trusted --change-interface=docker0',
    },
  );
});

test('rules that nft does not see, our own table, and no rule at all', async () => {
  const own = { ...input, family: 'inet', table: 'telepresence', text: 'reject' };
  assert.equal(await find([own]), undefined);
  assert.equal((await find([own], 'nat\nfilter\n'))?.what, 'a rule of iptables-legacy');
});
