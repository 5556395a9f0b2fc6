// Whoever says to be somebody else, by objects: each of these must be refused by kube-apiserver.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { group } from '#protocol/resources.ts';
import { createSigner } from '#tunnel/keys.ts';
import type { CommandResult } from '../images/command.ts';
import { createNamespace } from './namespace.ts';
import { connectionManifest, interceptManifest } from './objects.ts';
import { prepare } from './prepare.ts';
import { apply, kubectl, onCluster } from './run.ts';
import { createUser, grant, grantRules, type KubeUser } from './user.ts';

const namespace = 'attack-objects';
const resources = new AsyncDisposableStack();
const connections = `connections.${group}`;
const intercepts = `intercepts.${group}`;
/** Has the rights that our own role gives. */
let alice: KubeUser;
/** May do everything with our objects, as the administrator of a namespace. */
let bob: KubeUser;
/** May do nothing. */
let mallory: KubeUser;
/** Of bob's Connection `probe`. */
let probeUid = '';

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  [alice, bob, mallory] = await Promise.all([
    createUser('alice'),
    createUser('bob'),
    createUser('mallory'),
  ]);
  await grant(namespace, { kind: 'ClusterRole', name: 'telepresence-client' }, [alice]);
  await giveEverything();
  allowed(await write(bob, connection('probe', { user: 'bob' })));
  probeUid = await read(`${connections}/probe`, '.metadata.uid');
});
after(() => resources.disposeAsync());

/** A role that no client is given: every verb, on status too. */
const everything = 'attack-everything';

async function giveEverything(): Promise<void> {
  resources.defer(() => kubectl('delete', 'clusterrole', everything).then(() => {}));
  await apply(
    JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: everything },
      rules: [{ apiGroups: [group], resources: ['*'], verbs: ['*'] }],
    }),
  );
  await grant(namespace, { kind: 'ClusterRole', name: everything }, [bob]);
}

function connection(name: string, { user }: { user: string }): object {
  return connectionManifest({ namespace, name, user });
}

function intercept(name: string, { user }: { user: string }): object {
  const of = { namespace, name: 'probe', uid: probeUid };
  return interceptManifest({ namespace, name, user, connection: of });
}

function write(who: KubeUser, object: object): Promise<CommandResult> {
  return who.kubectl(['create', '-f', '-'], { input: JSON.stringify(object) });
}

function jsonPatch(who: KubeUser, what: string, patch: readonly object[]): Promise<CommandResult> {
  const text = JSON.stringify(patch);
  return who.kubectl(['patch', '-n', namespace, what, '--type=json', '-p', text]);
}

async function read(what: string, path: string): Promise<string> {
  return await kubectl('get', '-n', namespace, what, '-o', `jsonpath={${path}}`);
}

function refused(result: CommandResult, reason: RegExp): void {
  assert.notEqual(result.status, 0, `was let through: ${result.stdout}`);
  assert.match(result.stderr, reason);
}

function allowed(result: CommandResult): void {
  assert.equal(result.status, 0, result.stderr);
}

const notTheUser = /spec\.user must be the user who creates the object/;
const notChanged = /spec cannot be changed/;
const noRight = /\(Forbidden\): .* cannot /;

test('nobody creates an object in the name of another', async () => {
  refused(await write(bob, connection('forged', { user: 'alice' })), notTheUser);
  refused(await write(bob, intercept('forged', { user: 'alice' })), notTheUser);
  refused(await write(alice, connection('forged', { user: 'bob' })), notTheUser);
  for (const user of ['', 'Bob', 'bob ', 'kubernetes-admin', 'system:admin']) {
    refused(await write(bob, connection('forged', { user })), notTheUser);
  }
  allowed(await write(alice, connection('honest', { user: 'alice' })));
  allowed(await write(bob, intercept('honest', { user: 'bob' })));
});

test('nor does the administrator, nor somebody with --as', async () => {
  const input = (user: string): { input: string } => ({
    input: JSON.stringify(connection('as', { user })),
  });
  const create = ['kubectl', 'create', '-f', '-'];
  const forged = { ...input('alice'), mayFail: true };
  refused(await onCluster(create, forged), notTheUser);
  // Who impersonates is, for Kubernetes, the impersonated: the name follows.
  refused(await onCluster([...create, '--as=bob'], forged), notTheUser);
  allowed(await onCluster([...create, '--as=bob', '--dry-run=server'], input('bob')));
});

test('nobody says to be of a group that is not theirs', async () => {
  const inGroups = (...groups: readonly string[]): object => {
    const made = connectionManifest({ namespace, name: 'groups', user: 'bob' });
    const { spec } = { spec: {}, ...made };
    return { ...made, spec: { ...spec, groups } };
  };
  const notTheirs = /spec\.groups must be groups of the user/;
  refused(await write(bob, inGroups('system:masters')), notTheirs);
  refused(await write(bob, inGroups('system:authenticated', 'system:masters')), notTheirs);
  allowed(await write(bob, inGroups('system:authenticated')));
});

test('nobody has flows leave from pods who may not intercept there', async () => {
  const via = (user: string): object => {
    const made = connectionManifest({ namespace, name: `via-${user}`, user });
    const { spec } = { spec: {}, ...made };
    return { ...made, spec: { ...spec, via: ['hello'] } };
  };
  const carol = await createUser('carol');
  const rule = { apiGroups: [group], resources: ['connections'], verbs: ['*'] };
  await grantRules(namespace, [rule], [carol]);
  refused(await write(carol, via('carol')), /spec\.via needs the right to create intercepts/);
  allowed(await write(carol, connection('plain', { user: 'carol' })));
  const named = `${connections}/plain`;
  const add = [{ op: 'add', path: '/spec/via', value: ['hello'] }];
  refused(await jsonPatch(carol, named, add), notChanged);
  allowed(await write(bob, via('bob')));
});

test('without spec, or with half of it, there is no object', async () => {
  const { spec: _, ...without } = { spec: {}, ...connection('empty', { user: 'bob' }) };
  refused(await write(bob, without), /spec: Required value/);
  refused(await write(bob, { ...without, spec: {} }), /Required value|no such key: user/);
  refused(
    await write(bob, { ...without, spec: { user: 'bob' } }),
    /spec\.publicKey: Required value/,
  );
  const { spec } = { spec: {}, ...connection('key', { user: 'bob' }) };
  const publicKey = createSigner().publicKey.replace(/=$/, '');
  refused(await write(bob, { ...without, spec: { ...spec, publicKey } }), /publicKey/);
});

test('spec is not taken away and put back as another’s', async () => {
  for (const what of [`${connections}/probe`, `${intercepts}/honest`]) {
    const before = await read(what, '.spec');
    refused(
      await jsonPatch(bob, what, [{ op: 'remove', path: '/spec' }]),
      /spec: Required value|spec cannot be changed|no such key: spec/,
    );
    refused(
      await jsonPatch(bob, what, [
        { op: 'remove', path: '/spec' },
        { op: 'add', path: '/spec', value: { ...JSON.parse(before), user: 'alice' } },
      ]),
      notChanged,
    );
    refused(await jsonPatch(bob, what, [{ op: 'remove', path: '/spec/user' }]), /user|changed/);
    refused(await jsonPatch(bob, what, [{ op: 'add', path: '/spec', value: {} }]), /spec/);
    assert.equal(await read(what, '.spec'), before);
  }
});

test('spec is not changed, by any kind of request', async () => {
  const what = `${connections}/probe`;
  const before = await read(what, '.spec');
  const merge = (spec: object, type = 'merge'): Promise<CommandResult> =>
    bob.kubectl(
      ['patch', '-n', namespace, what, `--type=${type}`, '-p', JSON.stringify({ spec })],
      {},
    );
  refused(await merge({ user: 'alice' }), notChanged);
  refused(await merge({ publicKey: createSigner().publicKey }), notChanged);
  refused(await merge({ client: 'alice@laptop' }), notChanged);
  refused(
    await jsonPatch(bob, what, [{ op: 'replace', path: '/spec/user', value: 'alice' }]),
    notChanged,
  );
  const forged = { input: JSON.stringify(connection('probe', { user: 'alice' })) };
  refused(await bob.kubectl(['replace', '-f', '-'], forged), notChanged);
  // Status alone is written by this, and says so; the spec in it is not looked at.
  await bob.kubectl(['replace', '--subresource=status', '-f', '-'], forged);
  refused(
    await bob.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], forged),
    notChanged,
  );
  // An update that keeps the spec is nobody's harm: labels, annotations.
  allowed(await bob.kubectl(['label', '-n', namespace, what, 'attack=none']));
  assert.equal(await read(what, '.spec'), before);
});

test('a name that became free belongs to who takes it next, under another UID', async () => {
  allowed(await write(alice, connection('reused', { user: 'alice' })));
  const uid = await read(`${connections}/reused`, '.metadata.uid');
  allowed(await alice.kubectl(['delete', '-n', namespace, `${connections}/reused`]));
  allowed(await write(bob, connection('reused', { user: 'bob' })));
  assert.notEqual(await read(`${connections}/reused`, '.metadata.uid'), uid);
  // No finalizer holds what is deleted, and no policy asks on DELETE.
  assert.equal(await read(`${connections}/reused`, '.metadata.finalizers'), '');
});

test('a client writes no status: not at create, not by patch', async () => {
  const managerKey = createSigner().publicKey;
  const status = { state: 'Connected', managerKey };
  allowed(await write(alice, { ...connection('status', { user: 'alice' }), status }));
  assert.notEqual(await read(`${connections}/status`, '.status.managerKey'), managerKey);
  const patch = ['-n', namespace, `${connections}/status`, '--type=merge'];
  const text = JSON.stringify({ status });
  refused(await alice.kubectl(['patch', ...patch, '-p', text]), noRight);
  refused(await alice.kubectl(['patch', ...patch, '-p', text, '--subresource=status']), noRight);
  const active = JSON.stringify({ status: { state: 'Active' } });
  const honest = ['-n', namespace, `${intercepts}/honest`, '--type=merge', '-p', active];
  refused(await alice.kubectl(['patch', ...honest, '--subresource=status']), noRight);
  // Who may update the object itself does not reach its status by that either.
  allowed(await bob.kubectl(['patch', ...patch, '-p', text]));
  assert.notEqual(await read(`${connections}/status`, '.status.managerKey'), managerKey);
});

test('our role is no more than it says: nothing outside the namespace, no change', async () => {
  refused(
    await alice.kubectl(['create', '-f', '-'], {
      input: JSON.stringify(
        connectionManifest({ namespace: 'demo', name: 'alice', user: 'alice' }),
      ),
    }),
    noRight,
  );
  refused(await alice.kubectl(['get', connections, '-A']), noRight);
  const label = ['label', '-n', namespace, `${connections}/probe`, 'by=alice'];
  refused(await alice.kubectl(label), noRight);
  for (const resource of ['secrets', 'pods', 'configmaps']) {
    refused(await alice.kubectl(['get', resource, '-n', namespace]), noRight);
  }
});

test('who has no rights has none here', async () => {
  refused(await write(mallory, connection('mallory', { user: 'mallory' })), noRight);
  refused(await mallory.kubectl(['get', '-n', namespace, connections]), noRight);
  refused(await mallory.kubectl(['delete', '-n', namespace, `${connections}/probe`]), noRight);
  const proxy = '/api/v1/namespaces/ambassador/services/https:traffic-manager:api/proxy';
  refused(await mallory.kubectl(['get', '--raw', `${proxy}/tunnel/demo/x/control`]), noRight);
});

test('nothing of this keeps a namespace from being deleted', async () => {
  await using _namespace = await createNamespace('attack-deleted');
  await grant('attack-deleted', { kind: 'ClusterRole', name: everything }, [bob]);
  const object = connectionManifest({ namespace: 'attack-deleted', name: 'x', user: 'bob' });
  allowed(await write(bob, object));
  await kubectl('delete', 'namespace', 'attack-deleted', '--timeout=30s');
});
