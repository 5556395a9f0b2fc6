/** A Compose project whose services handle intercepts, by the user's own Docker, as the guide has it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shopStage, type ShopStage } from './compose/shop-stage.ts';
import { writeShop, type ShopFiles } from './compose/shop-project.ts';
import { eventually } from './eventually.ts';
import { onLaptop, telepresence } from './run.ts';
import { startTelepresence, type UnderWay } from './under-way.ts';

const namespace = 'e2e-compose';
const owned = new AsyncDisposableStack();
let stage: ShopStage;
let files: ShopFiles;
let run: UnderWay;

const sandbox = async (...argv: readonly string[]): Promise<string> => {
  const joined = [
    'run',
    '--rm',
    `--network=container:tp-${namespace}`,
    'telepresence-e2e/busybox:1',
  ];
  return (await onLaptop(['docker', ...joined, ...argv], { mayFail: true })).stdout;
};

const fromWeb = async (url: string): Promise<string> =>
  await stage.inService('web', 'timeout', '8', 'wget', '-q', '-O', '-', url);

before(async () => {
  stage = owned.use(await shopStage(namespace));
  files = owned.use(await writeShop(namespace));
});
after(async () => await owned.disposeAsync());

test('a dry run shows the copy, the same each time, and makes nothing', async () => {
  const shown = async (): Promise<string> =>
    (await telepresence(['intercept', 'run', '--dry-run', files.specification])).stdout;
  const copy = await shown();
  assert.match(copy, /^ {4}network_mode: container:tp-e2e-compose$/m);
  assert.match(copy, /^# port 18080:8080\/tcp of web is published/m);
  assert.match(copy, /^# tp-e2e-compose: the name auth is login\.e2e-compose$/m);
  assert.doesNotMatch(copy, /nobody\/has-this|x-telepresence/);
  assert.equal(await shown(), copy);
  const { stdout } = await onLaptop(['docker', 'ps', '--all', '--format', '{{.Names}}']);
  assert.doesNotMatch(stdout, /project-/);
});

test('it starts, when what its handlers depend on is healthy', async () => {
  const contents = await files.contents();
  run = await startTelepresence(['intercept', 'run', files.specification]);
  await run.prints(/Intercept spec "shop" started successfully, use ctrl-c to cancel\./);
  await eventually('the handlers run', 60_000, async () => {
    await stage.inService('web', 'true');
    await stage.inService('orders', 'true');
  });
  assert.deepEqual(await files.contents(), contents);
  assert.match(
    run.stderr,
    /shop +\| warning: service web: the volume at \/etc\/settings is replaced/,
  );
});

test('intercepted traffic is answered, with environment and volumes of the pod', async () => {
  await eventually('the cluster is answered by the handler', 20_000, async () => {
    assert.equal(
      await stage.askInCluster('http://shop/cgi-bin/who'),
      'web color=blue size=from-compose greeting=hello $you money=5$ settings=from-the-pod',
    );
    assert.match(await stage.askInCluster('http://orders/cgi-bin/who'), /^orders color=red size= /);
  });
});

test('a local service is found by its name, before one of the cluster; and finds the handlers', async () => {
  const address = ['inspect', '-f', '{{.NetworkSettings.Networks.telepresence.IPAddress}}'];
  const cache = (await onLaptop(['docker', ...address, 'project-cache-1'])).stdout.trim();
  assert.match(await stage.inService('web', 'nslookup', 'cache'), new RegExp(`Address.*${cache}`));
  assert.match(await fromWeb('http://worker:8000/cgi-bin/who'), /^worker/);
  const who = async (from: string, url: string): Promise<string> =>
    await stage.inService(from, 'timeout', '8', 'wget', '-q', '-O', '-', url);
  assert.match(await who('worker', 'http://web:8080/cgi-bin/who'), /^web color=blue/);
  assert.match(await who('worker', 'http://frontend:8080/cgi-bin/who'), /^web color=blue/);
  assert.match(await who('worker', 'http://shopfront:8080/cgi-bin/who'), /^web color=blue/);
  assert.match(await who('worker', 'http://orders:8090/cgi-bin/who'), /^orders color=red/);
  assert.match(await who('reports', 'http://frontend:8080/cgi-bin/who'), /^web color=blue/);
  assert.match(await stage.inService('web', 'nslookup', 'db'), /Address.*\d+\.\d+\.\d+\.\d+/);
});

test('a remote service’s name answers with the cluster’s service; hosts and handlers have theirs', async () => {
  assert.match(await fromWeb('http://auth/'), /^app login/);
  assert.match(await stage.inService('web', 'nslookup', 'printer'), /192\.0\.2\.9/);
  assert.match(await stage.inService('orders', 'nslookup', 'frontend'), /127\.0\.0\.1/);
  // As a pod would: by the cluster, and back.
  assert.match(await fromWeb('http://orders/cgi-bin/who'), /^orders color=red/);
});

test('published ports are the laptop’s', async () => {
  for (const port of ['18080', '18081']) {
    const url = `http://127.0.0.1:${port}/cgi-bin/who`;
    assert.match(
      (await onLaptop(['curl', '-sS', '-m', '8', url])).stdout.trim(),
      /^web color=blue/,
    );
  }
});

test('Ctrl-C ends all of it; the user’s files, volumes and the connection stay', async () => {
  const contents = await files.contents();
  await run.interrupt();
  const { status, stderr } = await run.ended;
  assert.equal(status, 0, stderr);
  await stage.nothingIsLeft();
  assert.deepEqual(await files.contents(), contents);
  const volumes = (await onLaptop(['docker', 'volume', 'ls', '--quiet'])).stdout.trim().split('\n');
  assert.deepEqual(
    volumes.filter((name) => name.startsWith('project_')),
    ['project_pgdata'],
  );
  assert.match(await stage.askInCluster('http://shop/'), /^app shop/);
  // The project's names are nobody's any more: it is the cluster's again.
  await eventually('the names are taken back', 10_000, async () => {
    assert.match(await sandbox('wget', '-q', '-O', '-', 'http://cache/'), /^app cache/);
  });
});
