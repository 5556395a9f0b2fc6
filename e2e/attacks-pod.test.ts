// What a pod can do that anybody may run in the cluster: nothing to tunnels, agents and intercepts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { agentAudience, group } from '#protocol/resources.ts';
import { startHandler } from './handler.ts';
import { clusterWorks } from './laptop-machine.ts';
import { createNamespace } from './namespace.ts';
import { idlePod, inPodNetwork, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, telepresence } from './run.ts';
import { webApp } from './web-app.ts';

const namespace = 'attack-pod';
const resources = new AsyncDisposableStack();
const attackerFile = new URL('attacker/pod.cluster.ts', import.meta.url).pathname;
let attackerIp = '';

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  await apply(webApp({ namespace, name: 'app', replicas: 1 }));
  await apply(webApp({ namespace, name: 'other', replicas: 1, agent: true }));
  await apply(idlePod(namespace, 'attacker'));
  await apply(idlePod(namespace, 'gone'));
  await rollOut(namespace);
  attackerIp = await readyPod(namespace, 'attacker');
  await readyPod(namespace, 'gone');
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

async function token(...flags: readonly string[]): Promise<string> {
  return (await kubectl('create', 'token', 'default', '-n', namespace, ...flags)).trim();
}

const boundTo = (name: string): string[] => [
  '--bound-object-kind=Pod',
  `--bound-object-name=${name}`,
];

async function only(what: string, path: string): Promise<string> {
  const found = await kubectl('get', '-n', namespace, what, '-o', `jsonpath={.items[*]${path}}`);
  assert.match(found, /^\S+$/, what);
  return found;
}

test('a pod of anybody’s, in the network of the cluster', async () => {
  const gone = await token(`--audience=${agentAudience}`, ...boundTo('gone'));
  await kubectl('delete', '-n', namespace, 'pod/gone', '--wait=true');
  await telepresence(['connect', '--namespace', namespace]);
  await using handler = await startHandler('laptop');
  await telepresence(['intercept', 'app', '--port', String(handler.port)], { deadlineMs: 90_000 });
  const firstIp = 'jsonpath={.items[0].status.podIP}';
  const managers = ['-n', 'ambassador', '-l', 'telepresence=manager', '-o', firstIp];
  const managerIp = await kubectl('get', 'pods', ...managers);
  const [connectionName, connectionUid, managerKey, intercept, podIp] = [
    await only(`connections.${group}`, '.metadata.name'),
    await only(`connections.${group}`, '.metadata.uid'),
    await only(`connections.${group}`, '.status.managerKey'),
    await only(`intercepts.${group}`, '.metadata.uid'),
    await kubectl('get', 'pods', '-n', namespace, '-l', 'app=app', '-o', firstIp),
  ];
  const other = await kubectl(
    'get',
    'pods',
    '-n',
    namespace,
    '-l',
    'app=other',
    '-o',
    'jsonpath={.items[0].metadata.name}',
  );
  // Flows of the laptop, which are nothing to the other workload's agent.
  const over = new AbortController();
  resources.defer(() => over.abort());
  const asking = ask(over.signal);
  const result = await inPodNetwork(
    attackerIp,
    ['env', '-u', 'NODE_TEST_CONTEXT', 'sh', 'tools/node', '--test', attackerFile],
    {
      mayFail: true,
      deadlineMs: 120_000,
      env: {
        E2E_MANAGER_IP: managerIp,
        E2E_CONNECTION_PATH: `/tunnel/${namespace}/${connectionName}`,
        E2E_CONNECTION_UID: connectionUid,
        E2E_MANAGER_KEY: managerKey,
        E2E_INTERCEPT: intercept,
        E2E_POD_IP: podIp,
        E2E_LISTEN_MS: '2000',
        E2E_TOKEN_OTHER: await token(`--audience=${agentAudience}`, ...boundTo(other)),
        E2E_TOKEN_OWN: await token(`--audience=${agentAudience}`, ...boundTo('attacker')),
        E2E_TOKEN_API: await token(...boundTo(other)),
        E2E_TOKEN_UNBOUND: await token(`--audience=${agentAudience}`),
        E2E_TOKEN_GONE: gone,
      },
    },
  );
  over.abort();
  assert.ok((await asking) > 0);
  process.stdout.write(result.stdout);
  assert.equal(result.status, 0, result.stderr);
});

/** Asks for a Service until told to stop; gives how often. */
async function ask(stop: AbortSignal): Promise<number> {
  let count = 0;
  while (!stop.aborted) {
    await clusterWorks();
    count += 1;
  }
  return count;
}
