import assert from 'node:assert/strict';
import { parseSubnet, type Subnet } from '#protocol/ip-address.ts';
import type { TunDevice } from './tun.ts';

const signal = (): AbortSignal => AbortSignal.timeout(5000);
const subnets = (...texts: readonly string[]): Subnet[] =>
  texts.flatMap((text) => parseSubnet(text) ?? []);

/** What everyone who holds a TUN device relies on; the fake and the kernel's both do it. */
export async function holdTunContract(
  tun: TunDevice,
  routes: () => Promise<readonly string[]>,
): Promise<void> {
  await tun.apply({ subnets: subnets('10.96.0.0/12', '10.244.0.0/24') }, signal());
  assert.deepEqual((await routes()).toSorted(), ['10.244.0.0/24', '10.96.0.0/12']);
  for (const again of [1, 2]) {
    await tun.apply({ subnets: subnets('10.244.0.0/24') }, signal());
    assert.deepEqual(await routes(), ['10.244.0.0/24'], `the same, time ${String(again)}`);
  }
  await assert.rejects(
    tun.apply({ subnets: [] }, AbortSignal.abort(new Error('enough'))),
    /enough/,
    'nothing is begun for who has given up',
  );
  assert.deepEqual(await routes(), ['10.244.0.0/24']);
  await tun.apply({ subnets: [] }, signal());
  assert.deepEqual(await routes(), []);
  await tun.close();
  await tun.close();
}
