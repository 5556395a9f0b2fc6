import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DockerCommand } from './command.ts';
import { parseBridgeNetworks, readBridgeNetworks } from './bridge-networks.ts';
import { laptopLabel } from './ours.ts';

const id = `0123456789abcdef${'0'.repeat(48)}`;
const network = (Name: string, more: object = {}) => ({
  Name,
  Id: id,
  Driver: 'bridge',
  Internal: false,
  Labels: {},
  Options: {},
  ...more,
});
const isApart = (name: string, more: object = {}): boolean | undefined =>
  parseBridgeNetworks(JSON.stringify([network(name, more)]))[0]?.isApart;

test('what the kernel calls the bridge of a network', () => {
  const Options = { 'com.docker.network.bridge.name': 'docker0' };
  const printed = JSON.stringify([network('bridge', { Options, Labels: null }), network('own')]);
  const found = parseBridgeNetworks(printed).map(({ name, device }) => [name, device]);
  assert.deepEqual(found, [
    ['bridge', 'docker0'],
    ['own', 'br-0123456789ab'],
  ]);
});

test('networks that are not for users’ containers', () => {
  assert.equal(isApart('own'), false);
  assert.equal(isApart('kindergarten'), false);
  for (const name of ['kind', 'minikube', 'k3d-dev']) assert.equal(isApart(name), true, name);
  for (const label of [
    'io.x-k8s.kind.cluster',
    'created_by.minikube.sigs.k8s.io',
    'talos.cluster.name',
    laptopLabel,
  ]) {
    assert.equal(isApart('own', { Labels: { [label]: 'x' } }), true, label);
  }
  assert.equal(isApart('own', { Labels: { app: 'k3d' } }), true);
  assert.equal(isApart('own', { Internal: true }), true);
});

function engine(endpoint: string): DockerCommand {
  const printed = (args: readonly string[]): string => {
    if (args[0] === 'context') return JSON.stringify(endpoint);
    return args[1] === 'ls' ? `${id}\n` : JSON.stringify([network('own')]);
  };
  const run = async (args: readonly string[]) => ({ status: 0, stderr: '', stdout: printed(args) });
  return { path: 'docker', env: {}, run };
}

test('bridges of another machine’s engine are none of this machine', async () => {
  const signal = AbortSignal.timeout(1000);
  const count = async (endpoint: string): Promise<number> =>
    (await readBridgeNetworks({ docker: engine(endpoint) }, signal)).length;
  assert.equal(await count('unix:///var/run/docker.sock'), 1);
  assert.equal(await count('ssh://somewhere'), 0);
  assert.equal(await count('tcp://192.0.2.1:2375'), 0);
});

test('what is not understood', () => {
  assert.throws(() => parseBridgeNetworks('no JSON'), { code: 'BadAnswer' });
});
