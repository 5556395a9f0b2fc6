import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { dnsOver, dnsSettings } from '#protocol/client-settings.ts';
import { ConnectRequestSchema, type ConnectRequest } from '#protocol/gen/telepresence_pb.ts';
import { settingWarnings, withSettings } from './with-settings.ts';

function meant(
  request: MessageInitShape<typeof ConnectRequestSchema>,
  extension?: object,
): ConnectRequest {
  const access = {
    cluster: 'c',
    extension: (name: string) => (name === 'telepresence.io' ? extension : undefined),
  };
  return withSettings(create(ConnectRequestSchema, request), access);
}

test('the flag, then the kubeconfig, then config.yml, then the usual namespace', () => {
  const extension = { manager: { namespace: 'cluster' } };
  const file = { defaultManagerNamespace: 'file' };
  assert.equal(meant({ ...file, managerNamespace: 'flag' }, extension).managerNamespace, 'flag');
  assert.equal(meant(file, extension).managerNamespace, 'cluster');
  assert.equal(meant(file).managerNamespace, 'file');
  assert.equal(meant({}).managerNamespace, 'ambassador');
});

test('mapped namespaces, of which all may have been said', () => {
  const extension = { cluster: { mappedNamespaces: ['cluster'] } };
  const file = { defaultMappedNamespaces: ['file'] };
  const flag = { mappedNamespaces: ['flag'], allMapped: true };
  assert.deepEqual(meant({ ...file, ...flag }, extension).mappedNamespaces, ['flag']);
  assert.deepEqual(meant({ ...file, allMapped: true }, extension).mappedNamespaces, []);
  assert.deepEqual(meant(file, extension).mappedNamespaces, ['cluster']);
  assert.deepEqual(meant(file).mappedNamespaces, ['file']);
});

test('subnets of all, names and waiting of the first that speaks of them', () => {
  const request = meant(
    {
      alsoProxy: ['10.1.0.0/16'],
      dns: dnsSettings({ excludes: ['file'], includeSuffixes: ['.file'] }),
      timeouts: { interceptMs: 1000, clusterConnectMs: 1000 },
    },
    {
      'also-proxy': ['10.2.0.0/16', '10.1.0.0/16'],
      dns: { excludes: ['cluster'] },
      timeouts: { intercept: 2 },
    },
  );
  assert.deepEqual(request.alsoProxy, ['10.1.0.0/16', '10.2.0.0/16']);
  assert.deepEqual(request.dns?.excludes?.values, ['cluster']);
  assert.deepEqual(request.dns.includeSuffixes?.values, ['.file']);
  assert.equal(request.timeouts?.interceptMs, 2000);
  assert.equal(request.timeouts.clusterConnectMs, 1000);
});

test('virtual addresses: the kubeconfig is heard before config.yml', () => {
  const file = { virtualSubnet: '100.64.0.0/16', autoResolveConflicts: false };
  const said = { virtualSubnet: '100.65.0.0/16', autoResolveConflicts: true };
  assert.equal(meant(file).virtualSubnet, '100.64.0.0/16');
  assert.equal(meant(file).autoResolveConflicts, false);
  assert.equal(meant(file, { routing: said }).virtualSubnet, '100.65.0.0/16');
  assert.equal(meant(file, { routing: said }).autoResolveConflicts, true);
  assert.equal(meant({}).autoResolveConflicts, undefined);
});

test('an extension that cannot be read is the kubeconfig’s fault', () => {
  assert.throws(() => meant({}, { dns: { excludes: 'x' } }), {
    code: 'BadKubeconfig',
    message: /extension telepresence\.io of cluster c .* dns\.excludes: array expected/,
  });
});

test('an extension that cannot be read is named by its place', () => {
  const access = {
    cluster: 'c',
    extension: () => ({ dns: { mappings: [{ name: 'a' }] } }),
    extensionPlace: (name: string, at: readonly (string | number)[]) => `${name} ${at.join('/')}`,
  };
  assert.throws(() => withSettings(create(ConnectRequestSchema, {}), access), {
    message: /\(telepresence\.io dns\/mappings\/0\/aliasFor\) is broken/,
  });
});

test('what an extension says and nobody heeds is told, with its place', () => {
  const extension = {
    routing: { neverProxy: ['10.0.0.0/8'], alsoProxi: [] },
    grpc: {},
    usage: { enabled: false },
  };
  const access = {
    cluster: 'c',
    extension: () => extension,
    extensionPlace: (_: string, at: readonly (string | number)[]) => at.join('/'),
  };
  assert.deepEqual(settingWarnings(access), [
    'routing/alsoProxi: there is no setting routing.alsoProxi (routing.alsoProxy?)',
    'usage/enabled: usage.enabled has no meaning here: no usage is reported to anybody',
  ]);
  const meantNow = withSettings(create(ConnectRequestSchema, {}), access);
  assert.deepEqual(meantNow.neverProxy, ['10.0.0.0/8']);
  assert.deepEqual(settingWarnings({ cluster: 'in-cluster' }), []);
});

test('names: the kubeconfig, config.yml, then what the manager’s administrator says', () => {
  const admins = dnsSettings({
    excludes: ['admin'],
    includeSuffixes: ['.admin'],
    lookupTimeout: 1,
  });
  const request = meant(
    { dns: dnsSettings({ excludes: ['file'], includeSuffixes: ['.file'] }) },
    { dns: { excludes: ['cluster'] } },
  );
  const heard = dnsOver(request.dns, admins);
  assert.deepEqual(heard.excludes?.values, ['cluster']);
  assert.deepEqual(heard.includeSuffixes?.values, ['.file']);
  assert.equal(heard.lookupTimeoutMs, 1);
});
