// Watches on a real API server that is restarted under them.
import { before, test } from 'node:test';
import { restartComponent } from '../playground/component.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { apiServerIsBack } from './api-server.ts';
import { eventually } from './eventually.ts';
import { testOnLaptop } from './kube/fixture.ts';
import { createNamespace } from './namespace.ts';
import { prepare } from './prepare.ts';
import { apply, kubectl } from './run.ts';

const namespace = 'e2e-kube-watch';
const signal = AbortSignal.timeout(300_000);

before(prepare);

test('on the laptop: a watch through a restart of the API server', async () => {
  await using _namespace = await createNamespace(namespace);
  const laptop = testOnLaptop('watch.laptop.ts', { env: { E2E_NAMESPACE: namespace } });
  laptop.catch(() => {});
  const wait = ['wait', '-n', namespace, '--for=create', '--timeout=60s'];
  await kubectl(...wait, 'configmap/before');
  const { layout } = settingsFrom(process.env);
  const machine = await requireMachine(layout, clusterMachine);
  await restartComponent({ layout, machine }, 'kube-apiserver', signal);
  const after = `{apiVersion: v1, kind: ConfigMap, metadata: {name: after, namespace: ${namespace}, labels: {e2e: watch}}}`;
  // Ready is not yet reachable by everybody: the first calls after a restart may be refused.
  await eventually('the API server takes changes again', 60_000, async () => await apply(after));
  await laptop;
  await apiServerIsBack();
});
