// The ways to the manager in the whole product: a user with the rights of our own roles, and one by
// one without them.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually } from './eventually.ts';
import { startHandler } from './handler.ts';
import { clusterWorks } from './laptop-machine.ts';
import { prepare } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { createUser, grant, type KubeUser } from './user.ts';

const manager = 'ambassador';
const binding = 'e2e-traffic-manager-tunnel';
const byPort = 'e2e-by-port-forward';
const client = { kind: 'ClusterRole', name: 'telepresence-client' } as const;
const tunnel = { kind: 'Role', name: 'traffic-manager-tunnel' } as const;
let alice: KubeUser;

before(async () => {
  await prepare();
  alice = await createUser('alice');
  await grant('demo', client, [alice]);
  await setTunnelRights([]);
});
afterEach(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await setTunnelRights([]);
});
after(async () => {
  const ours = ['rolebinding/e2e-telepresence-client', '--ignore-not-found'];
  await kubectl('delete', '-n', 'demo', ...ours);
});

/** What alice may do in the manager's namespace: our own role, or these rights alone. */
async function setTunnelRights(rights: 'our role' | readonly ('service' | 'port-forward')[]) {
  const unwanted = ['role', 'rolebinding'].map((kind) => `${kind}/${byPort}`);
  await kubectl('delete', '-n', manager, '--ignore-not-found', `rolebinding/${binding}`);
  await kubectl('delete', '-n', manager, '--ignore-not-found', ...unwanted);
  if (rights === 'our role') await grant(manager, tunnel, [alice]);
  else if (rights.length > 0) await grantRules(rights.flatMap((right) => rules[right]));
  await expectRight(rights === 'our role', ['get', 'services/https:traffic-manager:api', 'proxy']);
  const forwards = rights === 'our role' || rights.includes('port-forward');
  await expectRight(forwards, ['create', 'pods/any', 'portforward']);
}

const rules: Readonly<Record<'service' | 'port-forward', readonly object[]>> = {
  service: [
    { apiGroups: [''], resources: ['services'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
  ],
  'port-forward': [{ apiGroups: [''], resources: ['pods/portforward'], verbs: ['create', 'get'] }],
};

async function grantRules(granted: readonly object[]): Promise<void> {
  const api = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  const metadata = { namespace: manager, name: byPort };
  const apiGroup = 'rbac.authorization.k8s.io';
  const roleRef = { apiGroup, kind: 'Role', name: byPort };
  const subjects = [{ kind: 'User', apiGroup, name: alice.name }];
  await apply(
    [
      { ...api, kind: 'Role', metadata, rules: granted },
      { ...api, kind: 'RoleBinding', metadata, roleRef, subjects },
    ]
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
}

/** The API server's authorizer learns of a change a little later. */
async function expectRight(expected: boolean, what: readonly [string, string, string]) {
  const [verb, resource, subresource] = what;
  const args = ['auth', 'can-i', verb, resource, `--subresource=${subresource}`, '-n', manager];
  await eventually(`alice may ${expected ? '' : 'not '}${resource}`, 5000, async () => {
    const { status } = await alice.kubectl(args);
    assert.equal(status === 0, expected);
  });
}

function asAlice(args: readonly string[], mayFail = false) {
  return telepresence(args, { kubeconfig: 'alice', mayFail });
}

/** Names, flows both ways and an intercept, over whatever way there is. */
async function everythingWorks(transport: RegExp): Promise<void> {
  const { stdout: status } = await asAlice(['status']);
  assert.match(status, transport);
  await clusterWorks('http://hello');
  await clusterWorks('http://web.demo/hello');
  const { stdout: hosts } = await onLaptop(['getent', 'hosts', 'redis']);
  assert.match(hosts, /^10\.96\.\d+\.\d+ /);
  await using handler = await startHandler('laptop of alice');
  await asAlice(['intercept', 'hello', '--port', String(handler.port)]);
  const ask = 'for i in 1 2 3 4 5 6; do timeout 5 wget -qO- http://hello; done';
  const inside = ['exec', '-n', 'demo', 'deployment/web', '--', 'sh', '-c', ask];
  assert.equal(await kubectl(...inside), 'laptop of alice\n'.repeat(6));
  const users = ['get', 'intercepts', '-n', 'demo', '-o', 'jsonpath={.items[*].spec.user}'];
  assert.equal(await kubectl(...users), 'alice');
  await asAlice(['leave', 'hello']);
  assert.match(await kubectl(...inside), /^(Request served by hello-[^]*){6}$/);
}

test('our own role: by the service proxy', async () => {
  await setTunnelRights('our role');
  await asAlice(['connect', '--namespace', 'demo']);
  await everythingWorks(/^ +Transport +: service-proxy \(/m);
});

test('without services/proxy: by port-forward, the relay known by its certificate', async () => {
  await setTunnelRights(['service', 'port-forward']);
  const began = performance.now();
  await asAlice(['connect', '--namespace', 'demo']);
  console.log(`connected after ${String(Math.round(performance.now() - began))} ms`);
  await everythingWorks(/^ +Transport +: port-forward \(/m);
});

for (const [what, rights] of [
  ['neither', ['service']],
  ['nothing there', []],
] as const) {
  test(`${what}: one sentence with the next step`, async () => {
    await setTunnelRights(rights);
    // Starts the daemons, so that only the connection is measured.
    await asAlice(['connect', '--namespace', 'demo'], true);
    const began = performance.now();
    const { status, stderr } = await asAlice(['connect', '--namespace', 'demo'], true);
    const tookMs = Math.round(performance.now() - began);
    console.log(`refused after ${String(tookMs)} ms: ${stderr}`);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^telepresence connect: error: user alice may not get services\/proxy https:traffic-manager:api in namespace ambassador\n.*rolebinding/m,
    );
    // Far more than it takes; a time-out would be more than that.
    assert.ok(tookMs < 9000, `took ${String(tookMs)} ms`);
    const left = await kubectl('get', 'connections', '-n', 'demo', '-o', 'name');
    assert.equal(left.trim(), '');
  });
}
