import assert from 'node:assert/strict';
import test from 'node:test';
import { silentLogger } from '#base/log.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { resources } from '#kube/resource.ts';
import { watchResources } from '#kube/watch.ts';
import { connectCluster, namespace, signal } from './laptop.ts';

test('a watch goes on through a restart of the API server, and tells each change once', async () => {
  await using deps = await connectCluster();
  const deltas: string[] = [];
  let failures = 0;
  await using watch = watchResources(
    { ...deps, log: silentLogger },
    {
      resource: resources.configMaps,
      namespace,
      labelSelector: 'e2e=watch',
      schema: kubeObjectSchema,
      signal,
      onChange: (delta) =>
        deltas.push(delta.type === 'synced' ? 'synced' : `${delta.type} ${delta.key}`),
      onFailure: () => (failures += 1),
    },
  );
  await watch.synced(signal);
  // Tells the test outside that the restart may come; it makes `after` when all is up again.
  const metadata = { name: 'before', namespace, labels: { e2e: 'watch' } };
  await deps.client.create({
    resource: resources.configMaps,
    namespace,
    object: { metadata },
    schema: kubeObjectSchema,
    signal,
  });
  await watch.until((store) => store.get(`${namespace}/after`), signal);
  assert.ok(failures > 0, 'the API server was not restarted');
  assert.deepEqual(deltas, ['synced', `added ${namespace}/before`, `added ${namespace}/after`]);
});
