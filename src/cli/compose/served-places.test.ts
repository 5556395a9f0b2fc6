import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { DescribeResponseSchema, InterceptInfoSchema } from '#protocol/gen/telepresence_pb.ts';
import type { RunConnection, ServedIntercept } from '../specification/handlers/handler-kind.ts';
import { projectLabels } from './project-labels.ts';
import { servedPlaces } from './served-places.ts';

const { signal } = new AbortController();

function served(
  name: string,
  connection: string,
  environment: Readonly<Record<string, string>>,
): ServedIntercept {
  // Of a daemon nobody asks anything here.
  const bare: RunConnection = Object.create(null);
  const inDocker = create(DescribeResponseSchema, {
    connection: `${connection}-context`,
    networkContainer: `tp-${connection}`,
  });
  return {
    name,
    connection: { ...bare, name: connection, inDocker },
    workload: name,
    namespace: 'ns',
    localPort: 1,
    mountPoint: undefined,
    info: create(InterceptInfoSchema, { name, environment: { ...environment } }),
  };
}

test('each service has network, labels and environment of its own intercepts, the first one first', async () => {
  const shop = served('shop', 'alpha', { COLOR: 'blue' });
  const orders = served('orders', 'alpha', { COLOR: 'red', SIZE: 'pods' });
  const other = served('other', 'beta', { COLOR: 'green' });
  const docker = {
    path: 'docker',
    env: {},
    run: async () => await Promise.reject(new Error('there are no volumes to make')),
  };
  const { places, volumes, notes } = await servedPlaces(
    { signal },
    { docker },
    {
      assigned: new Map([
        ['web', [shop, orders]],
        ['admin', [other]],
      ]),
      planOf: () => undefined,
      labelsOn: (connection) => projectLabels({ id: 'x', laptop: 'L' }, connection),
      used: new Set(),
    },
  );
  const labels = { 'telepresence.laptop': 'L', 'telepresence.handler': 'x' };
  assert.deepEqual(Object.fromEntries(places), {
    web: {
      sandbox: 'tp-alpha',
      environment: { COLOR: 'blue', SIZE: 'pods' },
      volumes: [],
      labels: { ...labels, 'telepresence.connection': 'alpha-context' },
    },
    admin: {
      sandbox: 'tp-beta',
      environment: { COLOR: 'green' },
      volumes: [],
      labels: { ...labels, 'telepresence.connection': 'beta-context' },
    },
  });
  assert.deepEqual([volumes, notes], [[], []]);
});
