// Watches on a real API server that is restarted under them.
import { test } from 'node:test';
import { restartComponent } from '../playground/component.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { testOnLaptop } from './kube/fixture.ts';
import { createNamespace } from './namespace.ts';
import { kubectl } from './run.ts';

const namespace = 'e2e-kube-watch';
const signal = AbortSignal.timeout(300_000);

test('on the laptop: a watch through a restart of the API server', async () => {
  await using _namespace = await createNamespace(namespace);
  const laptop = testOnLaptop('watch.laptop.ts', { env: { E2E_NAMESPACE: namespace } });
  laptop.catch(() => {});
  const wait = ['wait', '-n', namespace, '--for=create', '--timeout=60s'];
  await kubectl(...wait, 'configmap/before');
  const { layout } = settingsFrom(process.env);
  const machine = await requireMachine(layout, clusterMachine);
  await restartComponent({ layout, machine }, 'kube-apiserver', signal);
  await kubectl('create', '-n', namespace, 'configmap', 'after');
  await kubectl('label', '-n', namespace, 'configmap', 'after', 'e2e=watch');
  await laptop;
});
