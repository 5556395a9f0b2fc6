// What somebody with a developer's rights can do to somebody else's tunnel: nothing.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSigner } from '#tunnel/keys.ts';
import { kubeconfigPath } from '../playground/kubeconfig.ts';
import { settingsFrom } from '../playground/settings.ts';
import { testOnLaptop } from './kube/fixture.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl } from './run.ts';
import { createUser, grantClient } from './user.ts';
import { webApp } from './web-app.ts';

const namespace = 'attack-tunnel';
const { layout } = settingsFrom(process.env);
const resources = new AsyncDisposableStack();
const aliceKey = createSigner().exportJwk();

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  await apply(webApp({ namespace, name: 'app', replicas: 2 }));
  await rollOut(namespace);
  const users = await Promise.all(['alice', 'bob'].map((name) => createUser(name)));
  resources.use(await grantClient(namespace, users));
});
after(async () => {
  await resources.disposeAsync();
});

test('on the laptop: every way into another’s tunnel', async () => {
  const services = JSON.parse(await kubectl('get', 'services', '-n', 'ambassador', '-o', 'json'));
  await testOnLaptop('../attacker/tunnel.laptop.ts', {
    env: {
      E2E_NAMESPACE: namespace,
      E2E_ALICE: kubeconfigPath(layout, 'alice'),
      E2E_BOB: kubeconfigPath(layout, 'bob'),
      E2E_ALICE_KEY: aliceKey,
      E2E_SERVICE: `${await clusterIp(namespace, 'app')}:80`,
      E2E_MANAGER_IP: await managerIp(),
      E2E_MANAGER_SERVICES: servicePorts(services).join(','),
    },
  });
});

test('on the laptop: flows that are to leave from another’s pods', async () => {
  await testOnLaptop('../attacker/via.laptop.ts', {
    env: {
      E2E_NAMESPACE: namespace,
      E2E_ALICE: kubeconfigPath(layout, 'alice'),
      E2E_BOB: kubeconfigPath(layout, 'bob'),
      E2E_SERVICE: `${await clusterIp(namespace, 'app')}:80`,
      E2E_MANAGER_IP: await managerIp(),
    },
  });
});

async function managerIp(): Promise<string> {
  const pods = ['get', 'pods', '-n', 'ambassador', '-l', 'telepresence=manager'];
  return await kubectl(...pods, '-o', 'jsonpath={.items[0].status.podIP}');
}

interface Services {
  readonly items: readonly {
    readonly spec: { readonly clusterIP: string; readonly ports: readonly { port: number }[] };
  }[];
}

function servicePorts({ items }: Services): string[] {
  return items.flatMap(({ spec }) =>
    spec.clusterIP === 'None'
      ? []
      : spec.ports.map(({ port }) => `${spec.clusterIP}:${String(port)}`),
  );
}

test('no secret is in the API server’s audit log, nor in the manager’s or an agent’s', async () => {
  const parsed: unknown = JSON.parse(aliceKey);
  assert.ok(typeof parsed === 'object' && parsed !== null && 'd' in parsed);
  const privateKey = String(parsed.d);
  const audit = await readFile(join(layout.logs, 'audit.log'), 'utf8');
  // The log is of the right requests: the path of the tunnel is in it.
  assert.match(audit, /traffic-manager:api\/proxy\/tunnel\/attack-tunnel\/alice\/outbound/);
  const manager = await kubectl(
    'logs',
    '-n',
    'ambassador',
    '-l',
    'telepresence=manager',
    '--tail=-1',
  );
  const ofAgents = ['-n', namespace, '-l', 'app=app', '-c', 'traffic-agent', '--tail=-1'];
  const agents = await kubectl('logs', ...ofAgents);
  for (const [what, text] of Object.entries({ audit, manager, agents })) {
    assert.ok(!text.includes(privateKey), `${what}: the private key`);
    assert.ok(!text.includes(Buffer.from(privateKey, 'base64url').toString('base64')), what);
    assert.doesNotMatch(text, /"d":"[\w-]{43}"/, `${what}: a private key`);
    assert.doesNotMatch(text, /eyJ[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}/, `${what}: a token`);
    assert.doesNotMatch(text, /PRIVATE KEY/, what);
  }
});
