// What an upgrade does to a running intercept, and what an uninstall leaves: nothing but the namespace.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { agentRequestAnnotation, group } from '#protocol/resources.ts';
import { eventually } from './eventually.ts';
import { startHandler } from './handler.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp, idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { startRequestLoop } from './request-loop.ts';
import { apply, kubectl, onCluster, telepresence } from './run.ts';

const namespace = 'e2e-helm';
const resources = new AsyncDisposableStack();
const install = ['--set', 'image.registry=telepresence'];
let clientIp = '';

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  await apply(helloApp({ namespace, name: 'web' }));
  await apply(helloApp({ namespace, name: 'db', kind: 'StatefulSet' }));
  await apply(helloApp({ namespace, name: 'bare', kind: 'ReplicaSet' }));
  await apply(idlePod(namespace, 'client'));
  await rollOut(namespace);
  clientIp = await readyPod(namespace, 'client');
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

/** Everything in the cluster that is not made anew by itself, as `KIND NAMESPACE NAME`. */
async function objects(): Promise<string[]> {
  const script = `kinds=$(kubectl api-resources --verbs=list -o name | paste -sd, -)
    kubectl get "$kinds" -A --no-headers -o custom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name`;
  const { stdout } = await onCluster(['sh', '-c', script]);
  const fleeting =
    /^(Pod|ReplicaSet|EndpointSlice|Event|ControllerRevision|CertificateSigningRequest|IPAddress|ComponentStatus) /;
  const lines = stdout.split('\n').filter((line) => !fleeting.test(line));
  return [...new Set(lines.map((line) => line.replaceAll(/ +/g, ' ')))].toSorted();
}

test('helm upgrade: the intercept comes back by itself, and somebody always answers', async () => {
  await using laptop = await startHandler('laptop');
  await telepresence(['connect', '--namespace', namespace]);
  const intercept = ['intercept', 'web', '--port', String(laptop.port)];
  await telepresence(intercept, { deadlineMs: 90_000 });
  await using loop = await startRequestLoop(
    clientIp,
    `http://${await clusterIp(namespace, 'web')}/`,
  );
  const byLaptop = /^200 laptop$/;
  const settled = { since: Date.now(), withinMs: 10_000, what: 'the laptop answers' };
  await loop.settles(byLaptop, settled);
  const since = Date.now();
  const pods = await kubectl('get', 'pods', '-n', namespace, '-o', 'name');
  const deadline = { deadlineMs: 150_000 };
  // The annotation makes a new pod however the one before was.
  const changes = `logLevel=debug,podAnnotations.upgraded=at-${String(since)}`;
  await telepresence(['helm', 'upgrade', ...install, '--set', changes], deadline);
  console.log(`upgraded after ${String(Date.now() - since)} ms`);
  const again = { since, withinMs: 30_000, what: 'the laptop answers again' };
  const { errors } = await loop.settles(byLaptop, again);
  const later = loop.answers.filter(({ at }) => at >= since);
  const byApp = later.filter(({ got }) => got.startsWith('200 app '));
  console.log(`${String(byApp.length)} of ${String(later.length)} requests answered by the app`);
  const slow = later.filter(({ tookMs }) => tookMs > 500);
  for (const { at, tookMs, got } of slow) {
    console.log(`+${String(at - since)} ms: ${got} after ${String(tookMs)} ms`);
  }
  for (const error of errors) console.log(`+${String(error.at - since)} ms: ${error.got}`);
  // A flow through the manager that ends is broken; every other one is answered.
  assert.ok(errors.length <= 3, `${String(errors.length)} requests failed`);
  assert.equal(await kubectl('get', 'pods', '-n', namespace, '-o', 'name'), pods);
  const { stdout } = await telepresence(['list']);
  assert.match(stdout, /^web *: intercepted$/m);
  const manager = ['-n', 'ambassador', 'deployment/traffic-manager', '-o', 'yaml'];
  assert.match(await kubectl('get', ...manager), /"logLevel":"debug"/);
  await telepresence(['leave', 'web']);
});

test('helm uninstall takes everything back', async () => {
  await using laptop = await startHandler('laptop');
  await using other = await startHandler('other');
  await using third = await startHandler('third');
  await telepresence(['connect', '--namespace', namespace]);
  for (const [name, { port }] of [
    ['web', laptop],
    ['db', other],
    ['bare', third],
  ] as const) {
    const intercept = ['intercept', name, '--port', String(port)];
    await telepresence(intercept, { deadlineMs: 90_000 });
  }
  await using loop = await startRequestLoop(
    clientIp,
    `http://${await clusterIp(namespace, 'web')}/`,
  );
  await loop.settles(/^200 laptop$/, { since: Date.now(), withinMs: 10_000, what: 'the laptop' });
  const since = Date.now();
  const removed = await telepresence(['helm', 'uninstall'], { deadlineMs: 120_000 });
  assert.equal(removed.stdout, 'Traffic Manager uninstalled successfully\n');
  assert.match(
    removed.stderr,
    /namespace ambassador is left.*: kubectl delete namespace ambassador/,
  );
  console.log(`uninstalled after ${String(Date.now() - since)} ms`);
  await rollOut(namespace);
  await loop.settles(/^200 app /, { since, withinMs: 30_000, what: 'the app answers' });

  await eventually('no agent in any pod', 60_000, async () => {
    const containers = 'jsonpath={.items[*].spec.initContainers[*].name}';
    assert.equal(await kubectl('get', 'pods', '-n', namespace, '-o', containers), '');
  });
  const templates = await kubectl('get', 'deployments,statefulsets', '-A', '-o', 'yaml');
  // Not of all ReplicaSets: a Deployment keeps its former ones.
  const bare = await kubectl('get', 'replicaset/bare', '-n', namespace, '-o', 'yaml');
  assert.ok(
    !`${templates}${bare}`.includes(agentRequestAnnotation),
    'no template asks for an agent',
  );
  const ours = 'crd,mutatingwebhookconfigurations,validatingadmissionpolicies,clusterroles';
  const bindings = 'validatingadmissionpolicybindings,clusterrolebindings';
  const left = await kubectl('get', `${ours},${bindings}`, '-o', 'name');
  assert.doesNotMatch(left, /telepresence|traffic-manager/);
  assert.ok(!left.includes(group));
  const inside = 'deployments,services,pods,roles,rolebindings,serviceaccounts,secrets';
  const kept = await kubectl('get', inside, '-n', 'ambassador', '-o', 'name');
  console.log(`kept in ambassador: ${kept.replaceAll('\n', ' ')}`);
  assert.doesNotMatch(kept, /deployment|service\/|role|helm|traffic-manager/);
  // It may hold what is not ours.
  assert.equal(
    (await kubectl('get', 'namespace', 'ambassador', '-o', 'name')).trim(),
    'namespace/ambassador',
  );
  const twice = await telepresence(['helm', 'uninstall'], { mayFail: true });
  assert.equal(twice.status, 1);
  assert.match(twice.stderr, /the traffic-manager is not installed in namespace ambassador/);
  const again = await telepresence(['connect', '--namespace', namespace], { mayFail: true });
  assert.equal(again.status, 1);
  assert.match(again.stderr, /the traffic-manager is not installed in namespace ambassador/);
});

test('it can be installed again at once, and another’s end leaves what both use', async () => {
  await telepresence(['helm', 'uninstall'], { mayFail: true });
  const without = await objects();
  // The administrator's part alone, then all of it.
  const { stdout: made, stderr: steps } = await telepresence(['helm', 'install', '--crds']);
  assert.equal(made, 'Custom resources and policies installed successfully\n');
  assert.match(steps, /^CustomResourceDefinition intercepts\.\S+ created$/m);
  const { stdout: nothing } = await telepresence(['helm', 'version']);
  assert.match(nothing, /^Installed: nothing in namespace ambassador$/m);
  await telepresence(['helm', 'install', '--no-hooks', ...install], { deadlineMs: 150_000 });
  const other = 'e2e-helm-other';
  await using _made = await createNamespace(other);
  const overlap = await telepresence(['helm', 'install', '-n', other], { mayFail: true });
  assert.match(overlap.stderr, /the traffic-manager in namespace ambassador serves all namespaces/);
  await telepresence(['helm', 'upgrade', ...install, '--set', `namespaces={${namespace}}`], {
    deadlineMs: 150_000,
  });
  const second = ['--set', `namespaces={${other}}`, '--set', 'replicaCount=0'];
  await telepresence(['helm', 'install', '-n', other, ...install, ...second]);
  await telepresence(['connect', '--namespace', namespace]);
  await using laptop = await startHandler('laptop');
  const intercept = ['intercept', 'web', '--port', String(laptop.port)];
  await telepresence(intercept, { deadlineMs: 90_000 });
  const shared = ['crd,clusterroles,validatingadmissionpolicies', '-o', 'name'];
  const before = await kubectl('get', ...shared);
  assert.match(before, new RegExp(`intercepts\\.${group}`));
  await telepresence(['helm', 'uninstall', '-n', other], { deadlineMs: 60_000 });
  const ofOther = (name: string): boolean => name.includes(other);
  const expected = before.split('\n').filter((name) => !ofOther(name));
  assert.deepEqual((await kubectl('get', ...shared)).split('\n'), expected);
  assert.match((await telepresence(['list'])).stdout, /^web *: intercepted$/m);

  await telepresence(['helm', 'uninstall'], { deadlineMs: 120_000 });
  const ofTests = (line: string): boolean => line.includes(other);
  // People's specifications would go with their kind.
  const ofSpecifications = (line: string): boolean => line.includes('.getambassador.io');
  const left = await objects();
  assert.ok(left.includes('CustomResourceDefinition <none> ispecs.getambassador.io'));
  assert.deepEqual(
    left.filter((line) => !ofTests(line) && !ofSpecifications(line)),
    without.filter((line) => !ofTests(line) && !ofSpecifications(line)),
  );
  await kubectl('delete', 'crd', 'ispecs.getambassador.io');
});
