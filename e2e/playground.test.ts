/** What the playground promises beside a plain cluster: a second laptop, limits, a narrow link. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { inPodNetwork } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop } from './run.ts';
import { createUser, grantRules } from './user.ts';

const namespace = 'deny-egress-e2e';
const owned = new AsyncDisposableStack();

before(async () => {
  await prepare();
  owned.use(await createNamespace(namespace, 'deny-egress'));
  await apply(helloApp({ namespace, name: 'silent' }));
});
after(() => owned.disposeAsync());

test('a second laptop has a network, a home and processes of its own', async () => {
  const look = async (laptop: 1 | 2): Promise<readonly string[]> => {
    const script = 'hostname; echo "$HOME"; readlink /proc/self/ns/net; hostname -I';
    return (await onLaptop(['sh', '-c', script], { laptop })).stdout.trim().split('\n');
  };
  const [first, second] = await Promise.all([look(1), look(2)]);
  assert.deepEqual([first[0], second[0]], ['laptop', 'laptop2']);
  for (const [index, line] of first.entries()) assert.notEqual(line, second[index]);
  await onLaptop(['kubectl', 'get', 'namespaces'], { laptop: 2 });
  const reach = ['sh', '-c', 'curl -sS --max-time 1 http://198.18.0.2:1/'];
  const across = await onLaptop(reach, { laptop: 2, mayFail: true });
  assert.match(across.stderr, /timed out/i, 'laptops do not reach each other');
  const outside = await onLaptop(['curl', '-sS', 'http://outside.example.com/'], { laptop: 2 });
  assert.equal(outside.stdout, 'outside\n');
});

test('a user has exactly what a test grants', async () => {
  const alice = await createUser('alice');
  const rules = [{ apiGroups: [''], resources: ['services'], verbs: ['list'] }];
  await grantRules(namespace, rules, [alice]);
  await eventually('alice may list services', 5_000, async () => {
    assert.equal((await alice.kubectl(['-n', namespace, 'get', 'services'])).status, 0);
  });
  assert.equal((await alice.kubectl(['-n', namespace, 'get', 'pods'])).status, 1);
});

test('a pod of a namespace that denies egress answers, and opens no connection', async () => {
  await rollOut(namespace);
  const pod = 'jsonpath={.items[0].status.podIP}';
  const podOf = (of: string, label: string): Promise<string> =>
    kubectl('-n', of, 'get', 'pods', '-l', label, '-o', pod);
  const denied = await podOf(namespace, 'app=silent');
  const free = await podOf('demo', 'app=web');
  const api = await kubectl('get', 'service/kubernetes', '-o', 'jsonpath={.spec.clusterIP}');
  const dial = async (from: string, url: string): Promise<boolean> => {
    const argv = ['curl', '-sk', '-o', '/dev/null', '--max-time', '1', url];
    return (await inPodNetwork(from, argv, { mayFail: true })).status === 0;
  };
  // Another pod, and the node itself behind a Service.
  const urls = [`http://${free}:8080/`, `https://${api}/`];
  assert.deepEqual(await Promise.all(urls.map((url) => dial(denied, url))), [false, false]);
  assert.deepEqual(await Promise.all(urls.map((url) => dial(free, url))), [true, true]);
  assert.ok(await dial(free, `http://${denied}:8080/`));
});

test('the API server is there over a link of 50 Mbit/s too', async () => {
  await onLaptop(['kubectl', 'get', 'namespaces'], { kubeconfig: 'admin-50mbit-rtt20' });
});
