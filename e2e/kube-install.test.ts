// What install does with a real API server, and what the real helm makes of its record.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildHelm } from './kube/helm.ts';
import { testOnLaptop } from './kube/fixture.ts';
import { createNamespace } from './namespace.ts';
import { prepare } from './prepare.ts';
import { kubectl, onLaptop } from './run.ts';

const namespace = 'e2e-kube-install';
const signal = AbortSignal.timeout(800_000);
const resources = new AsyncDisposableStack();

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  resources.defer(async () => {
    await kubectl('delete', 'crd', '--ignore-not-found', 'things.e2e-kube.telepresence.test');
  });
});
after(async () => await resources.disposeAsync());

test('on the laptop: apply, wait, record, ask for rights', async () => {
  await testOnLaptop('install.laptop.ts', { env: { E2E_NAMESPACE: namespace } });
});

test('the real helm lists, tells and uninstalls the release', async () => {
  const helm = await buildHelm(signal);
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await onLaptop([helm, '-n', namespace, ...args])).stdout;
  const [listed]: unknown[] = JSON.parse(await ask('list', '-o', 'json'));
  assert.partialDeepStrictEqual(listed, {
    name: 'e2e-release',
    namespace,
    revision: '3',
    status: 'deployed',
    chart: 'telepresence-ts-0.1.0',
    app_version: '0.1.0',
  });
  const history: unknown = JSON.parse(await ask('history', 'e2e-release', '-o', 'json'));
  assert.partialDeepStrictEqual(history, [
    { revision: 1, status: 'superseded', description: 'Install complete' },
    { revision: 2, status: 'failed', description: 'Upgrade failed: no such luck' },
    { revision: 3, status: 'deployed', description: 'Upgrade complete' },
  ]);
  const values: unknown = JSON.parse(await ask('get', 'values', 'e2e-release', '-o', 'json'));
  assert.deepEqual(values, { a: { b: [2] } });
  const all = await ask('get', 'values', 'e2e-release', '--all', '-o', 'json');
  assert.deepEqual(JSON.parse(all), { a: { b: [2] }, replicas: 1 });
  assert.match(await ask('get', 'manifest', 'e2e-release'), /kind: Deployment/);
  assert.match(await ask('status', 'e2e-release'), /STATUS: deployed[^]*Installed\./);
  const gone = await ask('uninstall', 'e2e-release', '--wait');
  assert.match(gone, /release "e2e-release" uninstalled/);
  const left = await kubectl('-n', namespace, 'get', 'configmap,deployment,secret', '-o', 'name');
  assert.match(left, /configmap\/kept/);
  assert.doesNotMatch(left, /sleeper|helm/);
});
