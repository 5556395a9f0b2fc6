/** Containers of a laptop that is connected, where systemd-resolved answers the laptop's own names. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { secondLaptop } from '../playground/addresses.ts';
import { stopEngine } from '../playground/docker/engine.ts';
import { ensureLaptop } from '../playground/laptops.ts';
import { outsideAnswer } from '../playground/outside.ts';
import { startResolved } from '../playground/resolved.ts';
import { settingsFrom } from '../playground/settings.ts';
import { buildBusybox, busybox } from './docker/busybox-image.ts';
import { prepare } from './prepare.ts';
import { onLaptop, telepresence } from './run.ts';

const laptop = { laptop: 2 } as const;
const { layout } = settingsFrom(process.env);
const resources = new AsyncDisposableStack();
const label = 'telepresence-e2e=docker-hybrid-resolved';

async function endEngine(): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  await stopEngine(layout, secondLaptop, { kill: false, signal });
}

before(async () => {
  await prepare();
  const signal = AbortSignal.timeout(120_000);
  const machine = await ensureLaptop(layout, secondLaptop, signal);
  await telepresence(['quit', '-s'], { ...laptop, mayFail: true });
  // An engine looks once who answers names, when it starts.
  await endEngine();
  resources.use(await startResolved({ layout, env: process.env }, machine, signal));
  await buildBusybox(laptop);
  await onLaptop(['docker', 'network', 'create', `--label=${label}`, 'own'], laptop);
  await telepresence(['connect', '--namespace', 'demo'], laptop);
});
after(async () => {
  await telepresence(['quit', '-s'], { ...laptop, mayFail: true });
  const prune = ['docker', 'network', 'prune', '--force', `--filter=label=${label}`];
  await onLaptop(prune, { ...laptop, mayFail: true });
  await endEngine();
  await resources.disposeAsync();
});

async function inside(network: string, script: string): Promise<string> {
  // With it, this Docker's resolver asks 127.0.0.53 of the container (until Docker 26).
  const search = network === 'bridge' ? ['--dns-search=tel2-search'] : [];
  const how = ['--rm', `--network=${network}`, ...search, busybox];
  const argv = ['docker', 'run', ...how, 'sh', '-c', `( ${script} ) 2>&1 || echo "status $?"`];
  return (await onLaptop(argv, laptop)).stdout;
}

const fetch = (host: string): string => `timeout 5 wget -q -O - http://${host}/`;

for (const network of ['bridge', 'own']) {
  test(`network ${network}: the cluster's names and the world's, by what systemd-resolved asks`, async () => {
    const script = `cat /etc/resolv.conf; ${fetch('hello')}; ${fetch('hello.demo')}
      ${fetch('outside.example.com')}; nslookup nowhere.example.com.`;
    const said = await inside(network, script);
    assert.doesNotMatch(said, /nameserver 127\.0\.0\.53/);
    assert.equal(said.match(/Request served by hello/g)?.length, 2, said);
    assert.ok(said.includes(outsideAnswer.trim()), said);
    assert.match(said, /NXDOMAIN/);
  });
}

test('quit: containers have the world’s names as before', async () => {
  await telepresence(['quit'], laptop);
  assert.ok((await inside('own', fetch('outside.example.com'))).includes(outsideAnswer.trim()));
  assert.doesNotMatch(await inside('bridge', fetch('hello.demo')), /Request served/);
});
