import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { DockerCommand } from '#docker/command.ts';
import { TryBridgeResponseSchema } from '#protocol/gen/telepresence_pb.ts';
import { tryNetwork, type TriedNetwork } from './try-network.ts';

interface Machine {
  readonly endpoint?: string;
  /** What the bridge is called; one that every machine has, unless said. */
  readonly device?: string;
  readonly found?: Partial<{ known: boolean; blocked: boolean; blockedBy: string; hint: string }>;
}

/** What is found on a machine whose network `own` is that. */
async function find(
  { endpoint = 'unix:///var/run/docker.sock', device = 'lo', found = {} }: Machine,
  network = 'own',
): Promise<TriedNetwork> {
  const version = { Server: { Version: '29.0.0', Os: 'linux', Arch: 'amd64' }, Client: {} };
  const Options = { 'com.docker.network.bridge.name': device };
  const printed: Readonly<Record<string, unknown>> = {
    version,
    info: {},
    context: endpoint,
    network: [{ Name: network, Id: '0'.repeat(64), Driver: 'bridge', Options }],
  };
  const docker: DockerCommand = {
    path: 'docker',
    env: {},
    run: async ([what = '']) => ({ status: 0, stdout: JSON.stringify(printed[what]), stderr: '' }),
  };
  const asked: string[] = [];
  const daemon = {
    tryBridge: async (request: { readonly device?: string }) => {
      asked.push(request.device ?? '');
      return create(TryBridgeResponseSchema, { known: true, ...found });
    },
  };
  const kind = network === 'host' ? { kind: 'other' as const } : undefined;
  const tried = await tryNetwork(
    { docker, daemon },
    kind ?? { kind: 'bridge', name: network },
    AbortSignal.timeout(1000),
  );
  assert.deepEqual(asked, network === 'host' || device !== 'lo' ? [] : ['lo']);
  return tried;
}

test('a way that is open, and one that is nobody’s to try', async () => {
  const open = { withoutSearch: false, warning: undefined };
  assert.deepEqual(await find({}), open);
  // The bridge of an engine in a virtual machine is not here.
  assert.deepEqual(await find({ device: 'br-elsewhere' }), open);
  assert.deepEqual(await find({}, 'host'), { withoutSearch: true, warning: undefined });
});

test('what is in the way, in one sentence', async () => {
  const blockedBy = 'chain INPUT of table ip filter (policy drop)';
  const hint = 'sudo ufw allow in on lo';
  assert.equal(
    (await find({ found: { blocked: true, blockedBy, hint } })).warning,
    `containers of the network own do not reach the cluster, because ${blockedBy} drops what comes in by lo; let it in: ${hint}`,
  );
  assert.match(
    (await find({ found: { blocked: true } })).warning ?? '',
    /a firewall of this machine drops what comes in by lo$/,
  );
  assert.match(
    (await find({ found: { known: false } }, 'kind')).warning ?? '',
    /^containers of the network kind are not led to the cluster: /,
  );
});

test('an engine of another machine cannot reach a daemon of this one', async () => {
  await assert.rejects(find({ endpoint: 'tcp://192.0.2.1:2375' }), {
    message: 'the Docker Engine is another machine, and the daemon is not there',
  });
});
