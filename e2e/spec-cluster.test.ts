/** Specifications in the cluster: their kind, what the API server refuses, and `intercept run NAME`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onCluster, onLaptop, telepresence } from './run.ts';
import { createUser, grant } from './user.ts';

const namespace = 'e2e-ispecs';
const crd = 'ispecs.getambassador.io';
const ownKind = 'intercept.telepresence.io/specification-kind';
const resources = new AsyncDisposableStack();

before(async () => {
  await prepare();
  await kubectl('delete', 'crd', crd, '--ignore-not-found');
  resources.defer(async () => void (await kubectl('delete', 'crd', crd, '--ignore-not-found')));
  resources.use(await createNamespace(namespace));
  await apply(helloApp({ namespace, name: 'hello' }));
  await rollOut(namespace);
  resources.defer(async () => void (await telepresence(['quit', '-s'], { mayFail: true })));
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => await resources.disposeAsync());

function ispec(name: string, version: string, spec: object): string {
  const apiVersion = `getambassador.io/${version}`;
  const metadata = { name, namespace };
  return JSON.stringify({ apiVersion, kind: 'InterceptSpecification', metadata, spec });
}

const workloads = [
  { name: 'hello', intercepts: [{ handler: 'say', port: 80, localPort: 18_081 }] },
];
const say = {
  name: 'say',
  script: { run: 'echo "hello $WHO, {{ upper "user" }}"; exit 3', shell: 'sh' },
};
const saying = {
  workloads,
  handlers: [{ ...say, environment: [{ name: 'WHO', value: '{{ .Telepresence.Username }}' }] }],
};
const run = (...words: readonly string[]) =>
  telepresence(['intercept', 'run', ...words], { mayFail: true });

test('a cluster that does not know the kind is named, and what makes it know it', async () => {
  const { status, stderr } = await run('echo-spec');
  assert.equal(status, 1);
  assert.match(stderr, /echo-spec: there is no such file, and the cluster .* does not know/);
  assert.match(stderr, /helm install --crds/);
});

test('helm install --crds makes the kind, and kubectl shows what is in it', async () => {
  const { stdout, stderr } = await telepresence(['helm', 'install', '--crds']);
  assert.match(stderr, new RegExp(`CustomResourceDefinition ${crd} created`));
  assert.match(stdout, /installed successfully/);
  await kubectl('wait', '--for=condition=Established', `crd/${crd}`, '--timeout=30s');
  for (const version of ['v1alpha2', 'v1alpha3', 'v1alpha4']) {
    await apply(ispec(`of-${version}`, version, saying));
  }
  const table = await kubectl('get', 'ispecs', '-n', namespace);
  assert.match(table, /^NAME +WORKLOADS +HANDLERS +AGE$/m);
  assert.match(table, /^of-v1alpha2 +hello +say +\d+s$/m);
  assert.equal(table.trim().split('\n').length, 4);
  // Of OpenShift.
  assert.notEqual(
    (await onCluster(['kubectl', 'get', 'is', '-n', namespace], { mayFail: true })).status,
    0,
  );
});

const bad: readonly (readonly [string, object, RegExp])[] = [
  ['no handlers', { workloads }, /spec\.handlers: Required value/],
  [
    'no name',
    { workloads, handlers: [{ script: { run: 'x' } }] },
    /spec\.handlers\[0\]\.name: Required value/,
  ],
  [
    'two kinds of handler',
    { workloads, handlers: [{ ...say, docker: { image: 'x' } }] },
    /spec\.handlers/,
  ],
  [
    'another shell',
    { workloads, handlers: [{ name: 'say', script: { run: 'x', shell: 'fish' } }] },
    /spec\.handlers\[0\]\.script\.shell/,
  ],
  [
    'a name with a blank',
    { workloads, handlers: [{ ...say, name: 'a b' }] },
    /spec\.handlers\[0\]\.name/,
  ],
  ['one name twice', { workloads, handlers: [say, say] }, /Duplicate value/],
  [
    'a port that is none',
    { workloads, handlers: [{ name: 'say', docker: { image: 'x', ports: [70_000] } }] },
    /ports\[0\]/,
  ],
  [
    'a field nobody knows',
    { workloads, handlers: [{ ...say, scripd: {} }] },
    /unknown field "spec\.handlers\[0\]\.scripd"/,
  ],
  ['workloads as a map', { workloads: { hello: {} }, handlers: [say] }, /spec\.workloads/],
];

for (const [what, spec, words] of bad) {
  test(`the API server refuses ${what}`, async () => {
    const { status, stderr } = await onCluster(
      ['kubectl', 'apply', '--validate=strict', '-f', '-'],
      { mayFail: true, input: ispec('bad', 'v1alpha4', spec) },
    );
    assert.notEqual(status, 0);
    assert.match(stderr, words);
  });
}

test('run NAME: the namespace of the connection, refused without a terminal, run with --yes', async () => {
  const missing = await run('of-v1alpha9');
  assert.match(
    missing.stderr,
    /no Intercept Specification of that name in the namespace e2e-ispecs/,
  );
  assert.match(missing.stderr, /of-v1alpha[234]/);

  const refused = await run('of-v1alpha4');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /can only be asked on a terminal/);
  assert.match(refused.stderr, /--yes/);

  const agreed = await run('of-v1alpha3', '--yes');
  assert.equal(agreed.status, 3, agreed.stderr);
  assert.match(agreed.stdout, /^say +\| hello \w+, USER$/m);
});

test('on a terminal it is shown, and asked', async () => {
  const typing = async (answer: string): Promise<string> => {
    const command = 'telepresence intercept run of-v1alpha4; echo "exit $?"';
    const words = ['script', '-qec', command, '/dev/null'];
    return (await onLaptop(words, { mayFail: true, input: `${answer}\n` })).stdout;
  };
  const no = await typing('n');
  assert.match(no, /say \(while it lasts\): a script for sh/);
  assert.match(no, /echo "hello \$WHO, USER"; exit 3/);
  assert.match(no, /Run it\? \[y\/N\]/);
  assert.match(no, /is not run[^]*exit 1/);
  assert.match(await typing('y'), /say +\| hello[^]*exit 3/);
});

test('what comes from the cluster does not read the laptop', async () => {
  const handlers = [{ name: 'say', script: { run: 'echo {{ env "HOME" }}' } }];
  await apply(ispec('spy', 'v1alpha4', { workloads, handlers }));
  const { status, stderr } = await run('spy', '--yes');
  assert.equal(status, 1);
  assert.match(stderr, /spec\.handlers\[0\]\.script\.run: template: .*env is not available/);
});

test('who may connect may read specifications, and write none', async () => {
  const user = await createUser('e2e-ispecs-user');
  await grant(namespace, { kind: 'ClusterRole', name: 'telepresence-client' }, [user]);
  const read = await user.kubectl(['get', 'ispecs', '-n', namespace, '-o', 'name']);
  assert.match(read.stdout, /of-v1alpha4/);
  const remove = await user.kubectl(['delete', 'ispec', 'spy', '-n', namespace]);
  assert.match(remove.stderr, /forbidden/i);
});

test('a kind of another maker is used, and left as it is; ours is written anew', async () => {
  const versionOf = () => kubectl('get', 'crd', crd, '-o', 'jsonpath={.metadata.resourceVersion}');
  const again = await telepresence(['helm', 'install', '--crds']);
  assert.match(again.stderr, new RegExp(`CustomResourceDefinition ${crd} unchanged`));
  await kubectl('annotate', 'crd', crd, `${ownKind}-`);
  const before = await versionOf();
  const { stderr } = await telepresence(['helm', 'install', '--crds']);
  assert.match(stderr, new RegExp(`CustomResourceDefinition ${crd} of another maker kept`));
  assert.equal(await versionOf(), before);
  assert.equal((await run('of-v1alpha2', '--yes')).status, 3);
});
