import { test } from 'node:test';
import { holdRuleTableContract } from './nft.contract.ts';
import { createFakeRuleTable } from './nft.fake.ts';
import { holdTunContract } from './tun.contract.ts';
import { createFakeTun } from './tun.fake.ts';

test('the fake rule table does what the kernel’s does', async () => {
  const table = createFakeRuleTable();
  await holdRuleTableContract({
    table,
    rules: () => (table.closed() ? '' : (table.bodies.at(-1) ?? '')),
    hasElement: () => table.elements().has('open 10.0.0.1 . 80'),
  });
});

test('the fake TUN device does what the kernel’s does', async () => {
  const tun = createFakeTun();
  await holdTunContract(tun, async () => tun.routes());
});
