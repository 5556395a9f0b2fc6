import assert from 'node:assert/strict';
import test from 'node:test';
import { mayI, serverVersion, whoAmI } from '#kube/access.ts';
import { applyManifests, removeManifests, type ApplyStep } from '#kube/apply.ts';
import { isKubeError } from '#kube/errors.ts';
import { recordRevision, type RevisionOptions } from '#kube/helm-history.ts';
import { listReleases } from '#kube/helm-release.ts';
import { formatManifests, parseManifests, type Manifest } from '#kube/manifest.ts';
import { createResourceFinder } from '#kube/resource-finder.ts';
import { resources } from '#kube/resource.ts';
import { waitForService, waitUntilGone } from '#kube/wait-ready.ts';
import { waitForDeployment } from '#kube/wait-rollout.ts';
import { connectCluster, namespace, signal, type Deps } from './laptop.ts';

const group = 'e2e-kube.telepresence.test';
const name = 'e2e-release';

function configMap(name: string, annotations: Readonly<Record<string, string>> = {}): Manifest {
  const metadata = { name, namespace, annotations };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: 'value' } };
}

const crd: Manifest = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `things.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object' } },
      },
    ],
  },
};
const thing: Manifest = {
  apiVersion: `${group}/v1`,
  kind: 'Thing',
  metadata: { name: 'one', namespace },
};

function deployment(name: string, image: string): Manifest {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'c', image, command: ['sleep', '3600'] }],
        },
      },
    },
  };
}

const service: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'sleeper', namespace },
  spec: { selector: { app: 'sleeper' }, ports: [{ name: 'x', port: 80 }] },
};

const kept = configMap('kept', { 'helm.sh/resource-policy': 'keep' });
const first = [
  service,
  thing,
  deployment('sleeper', 'playground/busybox:1'),
  configMap('passing'),
  kept,
  crd,
];
const second = first.filter((manifest) => manifest.metadata.name !== 'passing');

async function apply(
  deps: Deps,
  manifests: readonly Manifest[],
  previous: readonly Manifest[] = [],
): Promise<readonly string[]> {
  const steps: string[] = [];
  await applyManifests(
    { ...deps, finder: createResourceFinder(deps.client) },
    {
      manifests,
      previous,
      fieldManager: 'telepresence',
      onStep: ({ did, what }: ApplyStep) => steps.push(`${did} ${what}`),
      signal,
    },
  );
  return steps;
}

function revision(manifests: readonly Manifest[], values: Readonly<Record<string, unknown>>) {
  return {
    namespace,
    name,
    chart: {
      name: 'telepresence-ts',
      version: '0.1.0',
      appVersion: '0.1.0',
      description: 'Work on one service from your own machine',
    },
    defaults: { replicas: 1 },
    values,
    manifest: formatManifests(manifests),
    notes: 'Installed.',
    signal,
  } satisfies RevisionOptions;
}

test('a set of objects is applied in its order, again without a change, and pruned', async () => {
  await using deps = await connectCluster();
  assert.deepEqual(await apply(deps, first), [
    `created ConfigMap ${namespace}/passing`,
    `created ConfigMap ${namespace}/kept`,
    `created CustomResourceDefinition things.${group}`,
    `created Service ${namespace}/sleeper`,
    `created Deployment ${namespace}/sleeper`,
    `created Thing ${namespace}/one`,
  ]);
  const words: string[] = [];
  const onProgress = (text: string): number => words.push(text);
  const wait = { namespace, name: 'sleeper', deadlineMs: 60_000, onProgress, signal };
  await waitForDeployment(deps, wait);
  await waitForService(deps, wait);
  console.log(words.join(' | '));
  const again = await apply(deps, first);
  assert.ok(
    again.every((step) => step.startsWith('unchanged')),
    again.join('\n'),
  );
  const pruned = await apply(deps, second, parseManifests(formatManifests(first)));
  assert.deepEqual(
    pruned.filter((step) => !step.startsWith('unchanged')),
    [`removed ConfigMap ${namespace}/passing`],
  );
});

test('a revision is pending, then deployed; the one before it superseded; failures are kept', async () => {
  await using deps = await connectCluster();
  await recordRevision(deps, revision(first, { a: 1 }), async (previous) => {
    assert.deepEqual(previous, []);
    const [now] = await listReleases(deps.client, { namespace, name, signal });
    assert.equal(now?.info.status, 'pending-install');
  });
  await assert.rejects(
    recordRevision(deps, revision(first, { a: 2 }), async () => {
      throw new Error('no such luck');
    }),
    /no such luck/,
  );
  await recordRevision(deps, revision(second, { a: { b: [2] } }), async (previous) => {
    assert.deepEqual(
      previous.map(({ version }) => version),
      [1, 2],
    );
    await assert.rejects(
      recordRevision(deps, revision(second, {}), async () => {}),
      (error) => isKubeError(error, 'Conflict') && /in progress/.test(error.message),
    );
  });
  const releases = await listReleases(deps.client, { namespace, name, signal });
  assert.deepEqual(
    releases.map(({ version, info }) => [version, info.status, info.description]),
    [
      [1, 'superseded', 'Install complete'],
      [2, 'failed', 'Upgrade failed: no such luck'],
      [3, 'deployed', 'Upgrade complete'],
    ],
  );
  assert.deepEqual(releases[2]?.config, { a: { b: [2] } });
});

test('what a deployment waits for is said in the kubelet’s words', async () => {
  await using deps = await connectCluster();
  await apply(deps, [deployment('broken', 'absent.test/nothing:1')]);
  await assert.rejects(
    waitForDeployment(deps, { namespace, name: 'broken', deadlineMs: 4000, signal }),
    (error) => {
      assert.ok(isKubeError(error, 'Unavailable'));
      assert.match(
        error.message,
        /deployment .*\/broken: .*pod broken-.*, container c: (ErrImagePull|ImagePullBackOff)/,
      );
      return true;
    },
  );
  const removed: string[] = [];
  await removeManifests(
    { ...deps, finder: createResourceFinder(deps.client) },
    {
      manifests: [deployment('broken', ''), kept],
      onStep: ({ did, what }) => removed.push(`${did} ${what}`),
      signal,
    },
  );
  assert.deepEqual(removed, [
    `removed Deployment ${namespace}/broken`,
    `kept ConfigMap ${namespace}/kept`,
  ]);
  const gone = { resource: resources.deployments, namespace, name: 'broken', signal };
  await waitUntilGone(deps, { ...gone, deadlineMs: 20_000 });
});

test('who we are, what we may, and how old the cluster is', async () => {
  await using deps = await connectCluster();
  await using bob = await connectCluster({ as: 'bob', asGroups: ['developers'] });
  assert.equal((await whoAmI(deps.client, signal)).username, 'kubernetes-admin');
  const me = await whoAmI(bob.client, signal);
  assert.equal(me.username, 'bob');
  assert.ok(me.groups.includes('developers'));
  const question = {
    verb: 'create',
    resource: resources.services,
    subresource: 'proxy',
    namespace,
    name: 'https:relay:api',
  };
  assert.equal((await mayI(deps.client, question, signal)).allowed, true);
  assert.equal((await mayI(bob.client, question, signal)).allowed, false);
  const { major, minor } = await serverVersion(deps.client, signal);
  assert.ok(major === 1 && minor >= 30);
});
