import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createKubeClient } from '#kube/client.ts';
import { startTestApiServer, statusBody } from '#kube/test-api-server.ts';
import { managerSelector } from '#install/manifest.ts';
import { visibleNamespaces, watchCluster } from './cluster-watch.ts';
import { managerAddresses, ownAddresses } from './views.ts';

const own = 'ambassador';

/** What there is, by namespace and kind. */
const objects: Readonly<Record<string, readonly object[]>> = {
  [`${own}/pods`]: ['10.0.0.1', '10.0.0.2'].map((ip, index) => ({
    metadata: {
      name: `traffic-manager-${String(index)}`,
      namespace: own,
      uid: `uid-${String(index)}`,
      labels: managerSelector,
    },
    spec: { containers: [] },
    status: {
      podIP: ip,
      podIPs: [{ ip }],
      containerStatuses: [{ state: { running: {} } }],
    },
  })),
};

test('a manager of some namespaces knows all managers', async () => {
  await using server = await startTestApiServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api');
    const [, namespace, kind] = /\/namespaces\/([^/]+)\/([^/]+)$/.exec(pathname) ?? [];
    const ofNoNamespace = /\/(?:namespaces|servicecidrs)$/.test(pathname);
    if (namespace === undefined && !ofNoNamespace) {
      response.writeHead(403).end(statusBody(403, 'Forbidden', 'only in its namespaces'));
    } else if (searchParams.has('watch')) response.flushHeaders();
    else {
      const items = objects[`${namespace ?? ''}/${kind ?? ''}`] ?? [];
      response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items }));
    }
  });
  const deps = { clock: systemClock, random: Math.random, log: silentLogger };
  await using client = createKubeClient({ ...deps, access: server.access, userAgent: 'test' });
  const stop = new AbortController();
  const nothing = (): void => {};
  await using cluster = await watchCluster(
    { ...deps, client },
    {
      namespaces: visibleNamespaces(['shop'], own),
      rollouts: false,
      onChange: nothing,
      onService: nothing,
      onSlice: nothing,
      onNamespace: nothing,
      onNetwork: nothing,
      signal: stop.signal,
    },
  );
  stop.abort();
  assert.deepEqual(managerAddresses(cluster, own), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(ownAddresses(cluster, own), ['10.0.0.1', '10.0.0.2']);
  assert.equal(cluster.pods.store.get(`${own}/traffic-manager-1`)?.status.running, true);
});
