import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { nearlyJson, nearlyText } from '#base/nearly.fixture.ts';
import { requestedPod, type RequestedPod } from './pod-shape.ts';
import { volumesFor } from './volume-mounts.ts';

const volumes = [
  { name: 'config', configMap: { name: 'c' } },
  { name: 'token', projected: { sources: [] } },
  { name: 'data', emptyDir: {} },
  { name: 'disk', persistentVolumeClaim: { claimName: 'd' } },
];

function podOf(
  volumeMounts: readonly object[],
  more: { annotations?: Record<string, string>; initContainers?: object[]; env?: object[] } = {},
): RequestedPod {
  const { annotations = {}, initContainers = [], env = [] } = more;
  return v.parse(requestedPod, {
    metadata: { annotations },
    spec: {
      containers: [{ name: 'app', env, volumeMounts, volumeDevices: [{ name: 'raw' }] }],
      initContainers,
      volumes,
    },
  });
}

function made(pod: RequestedPod): ReturnType<typeof volumesFor> {
  const [container] = pod.spec.containers;
  assert.ok(container);
  return volumesFor(pod, container, '_P_');
}

test('every volume of the container, under its name, with what may be done with it', () => {
  const { mounts, told } = made(
    podOf([
      { name: 'config', mountPath: '/etc/app/', readOnly: true },
      { name: 'config', mountPath: '/etc/app.conf', subPath: 'app.conf' },
      { name: 'data', mountPath: '/data', mountPropagation: 'HostToContainer' },
      { name: 'disk', mountPath: '/disk', readOnly: true, recursiveReadOnly: 'Enabled' },
    ]),
  );
  assert.deepEqual(mounts, [
    { name: 'config', mountPath: '/tel_app_mounts/app/etc/app', readOnly: true },
    { name: 'config', mountPath: '/tel_app_mounts/app/etc/app.conf', subPath: 'app.conf' },
    { name: 'data', mountPath: '/tel_app_mounts/app/data' },
    {
      name: 'disk',
      mountPath: '/tel_app_mounts/app/disk',
      readOnly: true,
      recursiveReadOnly: 'Enabled',
    },
  ]);
  assert.deepEqual(told, {
    mounts: ['/etc/app', '/etc/app.conf', '/data', '/disk'],
    volumesAt: '/tel_app_mounts/app',
    volumes: [
      { path: '/etc/app', readOnly: true, small: true },
      { path: '/etc/app.conf', readOnly: false, small: true },
      { path: '/data', readOnly: false, small: false },
      { path: '/disk', readOnly: true, small: false },
    ],
  });
});

test('a path cannot lead out of the directory of its container', () => {
  const { mounts } = made(podOf([{ name: 'data', mountPath: '/a/../../../etc' }]));
  assert.deepEqual(mounts, [{ name: 'data', mountPath: '/tel_app_mounts/app/etc' }]);
});

test('a path with variables means the container’s own', () => {
  const env = [
    { name: 'POD', value: 'x' },
    { name: 'KEY', valueFrom: { fileKeyRef: {} } },
  ];
  const mount = (subPathExpr: string): object => ({ name: 'disk', mountPath: '/d', subPathExpr });
  assert.deepEqual(made(podOf([mount('$(POD)/$(OTHER)/$$(POD)')], { env })).mounts, [
    { name: 'disk', mountPath: '/tel_app_mounts/app/d', subPathExpr: '$(_P_POD)/$(OTHER)/$$(POD)' },
  ]);
  // The agent has no such variable, and would not start.
  assert.deepEqual(made(podOf([mount('$(KEY)')], { env })).mounts, []);
});

test('what an init container prepares is not made before it', () => {
  const part = { name: 'data', mountPath: '/d', subPath: 'made/by/init' };
  const whole = { name: 'data', mountPath: '/whole' };
  const initContainers = [{ name: 'init', volumeMounts: [{ name: 'data', mountPath: '/x' }] }];
  const paths = made(podOf([part, whole], { initContainers })).told.mounts;
  assert.deepEqual(paths, ['/whole']);
  assert.deepEqual(made(podOf([part, whole])).told.mounts, ['/d', '/whole']);
});

test('annotations leave out, or keep from writing', () => {
  const mounts = [
    { name: 'config', mountPath: '/etc/app' },
    { name: 'data', mountPath: '/data' },
    { name: 'data', mountPath: '/database' },
    { name: 'disk', mountPath: '/disk/one' },
  ];
  const pathsWith = (annotations: Record<string, string>): string[] =>
    (made(podOf(mounts, { annotations })).told.volumes ?? []).map(({ path, readOnly }) =>
      readOnly ? `${path}:ro` : path,
    );
  for (const prefix of ['telepresence.io', 'telepresence.getambassador.io']) {
    const ignoring = { [`${prefix}/inject-ignore-volume-mounts`]: 'config, disk' };
    assert.deepEqual(pathsWith(ignoring), ['/data', '/database']);
  }
  const policies = {
    '/data': 'Local',
    disk: 'RemoteReadOnly',
    '/disk': 'Ignore',
    config: 'no such',
  };
  const text = JSON.stringify(policies);
  assert.deepEqual(pathsWith({ 'telepresence.io/mount-policies': text }), [
    '/etc/app',
    '/database',
    '/disk/one:ro',
  ]);
  for (const bad of ['{', '[]', 'null', '"x"']) {
    assert.equal(pathsWith({ 'telepresence.io/mount-policies': bad }).length, 4);
  }
});

const step = fc.constantFrom('a', 'b', 'data', '..data');
const somePath = fc.array(step, { maxLength: 3 }).map((steps) => `/${steps.join('/')}`);
/** The same path as people may write it, and as it is. */
const written = somePath.chain((path) =>
  fc
    .constantFrom(path, `${path}/`, `/${path}`, `${path}/./`, `${path}//x/..`)
    .map((key) => ({ key, path })),
);
const named = fc
  .constantFrom('disk', 'other', '__proto__', 'constructor', '', 'a')
  .map((key) => ({ key, path: undefined }));
const policy = fc.constantFrom('Ignore', 'Local', 'Remote', 'RemoteReadOnly', 'no such', null, {});

test('a policy is that of the volume, else of the longest path, however it is written', () => {
  const said = fc.uniqueArray(fc.record({ of: fc.oneof(written, named), policy }), {
    selector: ({ of }) => of.key,
    maxLength: 5,
  });
  fc.assert(
    fc.property(said, somePath, (list, mountPath) => {
      fc.pre(mountPath !== '/');
      const policies = Object.fromEntries(list.map(({ of, policy: what }) => [of.key, what]));
      const annotations = { 'telepresence.io/mount-policies': JSON.stringify(policies) };
      const { told } = made(podOf([{ name: 'disk', mountPath }], { annotations }));
      const heard = list.filter(
        ({ policy: what }) => typeof what === 'string' && what !== 'no such',
      );
      let wanted = heard.find(({ of }) => of.key === 'disk')?.policy;
      // Step by step upwards, and of what means the same path the last.
      for (let at = mountPath; wanted === undefined && at !== ''; at = at.replace(/\/[^/]*$/, '')) {
        wanted = heard.findLast(({ of }) => of.path === at)?.policy;
      }
      wanted ??= heard.findLast(({ of }) => of.path === '/')?.policy;
      const volume = told.volumes?.[0];
      if (wanted === 'Ignore' || wanted === 'Local') assert.equal(volume, undefined);
      else assert.equal(volume?.readOnly, wanted === 'RemoteReadOnly');
    }),
    { numRuns: 1000 },
  );
});

test('whatever the annotations are, each volume is in its container’s directory, once', () => {
  const text = fc.oneof(
    nearlyJson([{ '/data': 'Ignore', disk: 'RemoteReadOnly', '/': 'Remote' }]).map(
      (one) => JSON.stringify(one) ?? '',
    ),
    nearlyText(['{"/data":"Local","disk":"Remote"}'], ['{', '"', ':', ',', '/', '..', '[']),
  );
  const mounts = fc.array(
    fc.record({
      name: fc.constantFrom('config', 'data', 'disk'),
      mountPath: nearlyText(['/data', '/etc/app/', '/a/../../b'], ['/', '..', '.', ':', ',']),
    }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(text, text, mounts, (policies, ignored, volumeMounts) => {
      const annotations = {
        'telepresence.io/mount-policies': policies,
        'telepresence.io/inject-ignore-volume-mounts': ignored,
      };
      const { mounts: own, told } = made(podOf(volumeMounts, { annotations }));
      assert.equal(new Set(told.mounts).size, own.length);
      for (const { mountPath } of own) {
        assert.ok(mountPath.startsWith('/tel_app_mounts/app/'));
        assert.ok(!mountPath.split('/').includes('..'), mountPath);
      }
    }),
    { numRuns: 1000 },
  );
});

test('many policies for many mounts take no time that matters', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => `/d${String(index)}`);
  const policies = Object.fromEntries(many.map((path) => [`${path}x`, 'Ignore']));
  const annotations = { 'telepresence.io/mount-policies': JSON.stringify(policies) };
  const deep = { name: 'disk', mountPath: '/a'.repeat(200_000) };
  const pod = podOf([...many.map((mountPath) => ({ name: 'disk', mountPath })), deep], {
    annotations,
  });
  const began = performance.now();
  assert.equal(made(pod).mounts.length, many.length + 1);
  assert.ok(performance.now() - began < 5000, 'as long as one times the other');
});
