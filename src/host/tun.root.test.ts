import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { before, test } from 'node:test';

import { parseSubnet, type Subnet } from '#protocol/ip-address.ts';

import { HostError } from './errors.ts';
import { forgetDnsFlows } from './conntrack.ts';
import { openLibc } from './libc.ts';
import { enterOwnNetworkNamespace } from './own-namespace.ts';
import { readMachineRoutes } from './routes.ts';
import { runTool } from './run-tool.ts';
import { holdTunContract } from './tun.contract.ts';
import { openTun, type TunDevice } from './tun.ts';

before(() => enterOwnNetworkNamespace());

const signal = (): AbortSignal => AbortSignal.timeout(5000);
const deps = { libc: openLibc(), runTool };
const open = (): Promise<TunDevice> =>
  openTun(deps, { name: 'tel0', ownerUid: 0, signal: signal() });
const subnets = (...texts: string[]): Subnet[] => texts.flatMap((text) => parseSubnet(text) ?? []);
const routes = async (): Promise<string[]> =>
  (await readMachineRoutes(deps, signal())).routes
    .filter(({ device, subnet }) => device === 'tel0' && subnet.family === 4)
    .map(({ text }) => text);

test('routes follow what is desired, and go with the device', async () => {
  await using tun = await open();
  await tun.apply({ subnets: subnets('10.96.0.0/12', '10.244.0.0/24') }, signal());
  assert.deepEqual(await routes(), ['10.96.0.0/12 dev tel0', '10.244.0.0/24 dev tel0']);
  await tun.apply({ subnets: subnets('10.244.0.0/24', '10.1.2.3') }, signal());
  await tun.apply({ subnets: subnets('10.244.0.0/24', '10.1.2.3') }, signal());
  assert.deepEqual(await routes(), ['10.1.2.3 dev tel0', '10.244.0.0/24 dev tel0']);
  await tun.apply({ subnets: [] }, signal());
  assert.deepEqual(await routes(), []);
  await tun.close();
  assert.throws(() => execFileSync('ip', ['link', 'show', 'tel0'], { stdio: 'pipe' }));
});

test('it does what a TUN device does', async () => {
  await using tun = await open();
  await holdTunContract(tun, async () =>
    (await routes()).map((text) => text.slice(0, text.indexOf(' '))),
  );
});

test('a device of that name is in the way', async () => {
  execFileSync('ip', ['link', 'add', 'tel0', 'type', 'veth', 'peer', 'name', 'other0']);
  await assert.rejects(
    open(),
    (error) => error instanceof HostError && error.code === 'AddressInUse',
  );
  // It is not ours to remove.
  execFileSync('ip', ['link', 'del', 'tel0']);
});

test('kill -9 of the owner removes the device', async () => {
  const script = `
    import { openTun } from ${JSON.stringify(import.meta.resolve('./tun.ts'))};
    import { openLibc } from ${JSON.stringify(import.meta.resolve('./libc.ts'))};
    import { runTool } from ${JSON.stringify(import.meta.resolve('./run-tool.ts'))};
    globalThis.tun = await openTun({ libc: openLibc(), runTool },
      { name: 'tel0', ownerUid: 0, signal: AbortSignal.timeout(5000) });
    console.log('ready');
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(owner.stdout, 'data');
  execFileSync('ip', ['link', 'show', 'tel0']);
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  assert.throws(() => execFileSync('ip', ['link', 'show', 'tel0'], { stdio: 'pipe' }));
});

test('flows to port 53 are forgotten, also when there are none', async () => {
  assert.equal(await forgetDnsFlows(deps, signal()), true);
});
