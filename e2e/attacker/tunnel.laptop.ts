// Runs on the laptop. Alice is honest; bob has the same rights, a key and a Connection of his own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { isKubeError } from '#kube/errors.ts';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { Agent, AgentControl, Cluster, RelayLink } from '#protocol/gen/telepresence_pb.ts';
import { intercept, type Connection, type Intercept } from '#protocol/resources.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { newNonce, signAsLaptop, type Occasion } from '#tunnel/handshake-proof.ts';
import { createSigner, importSigner } from '#tunnel/keys.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';
import { interceptManifest, unknownUid } from '../objects.ts';
import {
  attempt,
  clock,
  connections,
  createConnection,
  dialOutcome,
  enter,
  enterReverse,
  get,
  intercepts,
  knock,
  person,
  signal,
  until,
  type Answer,
  type Person,
} from './handmade-laptop.ts';

const env = (name: string): string => process.env[name] ?? '';
const namespace = env('E2E_NAMESPACE');
const everything = new AsyncDisposableStack();
const aliceKey = importSigner(env('E2E_ALICE_KEY'));
const bobKey = createSigner();
type Known = Connection & { readonly managerKey: string };
let alice: Person;
let bob: Person;
let hers: Known;
let his: Known;

before(async () => {
  alice = everything.use(await person('alice', env('E2E_ALICE')));
  bob = everything.use(await person('bob', env('E2E_BOB')));
  hers = await createConnection(alice, { namespace, name: 'alice', signer: aliceKey });
  his = await createConnection(bob, { namespace, name: 'bob', signer: bobKey });
});
after(() => everything.disposeAsync());

const pathOf = (of: Connection, role: string): string =>
  `/tunnel/${of.metadata.namespace}/${of.metadata.name}/${role}`;

interface Claim {
  readonly role?: Occasion['role'];
  readonly of?: Known;
  readonly signer?: typeof bobKey;
  readonly managerKey?: string;
}

/** An answer to the challenge, signed for whatever the claim says. */
function claim(said: Claim) {
  return (challenge: { readonly nonce: Uint8Array }, laptopNonce: Uint8Array): Answer => {
    const { role = 'outbound', of = hers, signer = bobKey, managerKey = of.managerKey } = said;
    const connectionUid = of.metadata.uid;
    const occasion = { laptopNonce, managerNonce: challenge.nonce, connectionUid, role };
    return { connectionUid, signature: signAsLaptop(signer, occasion, managerKey) };
  };
}

test('the honest way in is open, and leads to a service', async () => {
  assert.equal(await attempt(alice, pathOf(hers, 'outbound'), claim({ signer: aliceKey })), 'ok');
  await using session = await enter(alice, hers, { role: 'outbound', signer: aliceKey });
  const { stream } = await session.openFlow({ authority: env('E2E_SERVICE'), signal });
  stream.end('GET / HTTP/1.0\r\n\r\n');
  assert.match(await text(stream), /^HTTP\/1\.[01] 200 /);
});

test('another’s key does not open a Connection', async () => {
  for (const role of ['control', 'outbound', 'reverse'] as const) {
    assert.equal(await attempt(bob, pathOf(hers, role), claim({ role })), 'Unproven');
    // His own UID, for which his proof is right, on her path.
    assert.equal(await attempt(bob, pathOf(hers, role), claim({ role, of: his })), 'Unproven');
  }
  assert.equal(await attempt(bob, pathOf(his, 'outbound'), claim({ of: his })), 'ok');
});

test('nor does a proof for another role, another manager or no UID', async () => {
  const path = pathOf(hers, 'reverse');
  for (const role of ['control', 'outbound'] as const) {
    assert.equal(await attempt(alice, path, claim({ role, signer: aliceKey })), 'Unproven');
  }
  const managerKey = createSigner().publicKey;
  const other = claim({ role: 'reverse', signer: aliceKey, managerKey });
  assert.equal(await attempt(alice, path, other), 'Unproven');
  for (const connectionUid of [unknownUid, '', 'x'.repeat(5000)]) {
    const answer = claim({ role: 'reverse', signer: aliceKey });
    const lying = (...said: Parameters<typeof answer>): Answer => ({
      ...answer(...said),
      connectionUid,
    });
    assert.equal(await attempt(alice, path, lying), 'Unproven');
  }
});

test('a proof overheard is worth nothing, even with the same nonce of the laptop', async () => {
  const path = pathOf(hers, 'outbound');
  const nonce = newNonce();
  const heard: Answer[] = [];
  const overheard = await attempt(
    alice,
    path,
    (challenge, used) => {
      const answer = claim({ signer: aliceKey })(challenge, used);
      heard.push(answer);
      return answer;
    },
    nonce,
  );
  assert.equal(overheard, 'ok');
  const [proof] = heard;
  assert.ok(proof);
  for (const role of ['outbound', 'control', 'reverse']) {
    assert.equal(await attempt(bob, pathOf(hers, role), () => proof, nonce), 'Unproven');
  }
  // The manager's own signature, given back to it.
  const reflected = await attempt(bob, path, ({ signature }) => ({ ...proof, signature }), nonce);
  assert.equal(reflected, 'Unproven');
});

test('what does not exist is not found, whoever asks', async () => {
  const gone = (path: string): Promise<void> =>
    assert.rejects(knock(bob, path), (error) => {
      assert.ok(isKubeError(error, 'NotFound'), `${path}: ${String(error)}`);
      return true;
    });
  await gone(`/tunnel/${namespace}/nobody/control`);
  await gone(`/tunnel/demo/alice/control`);
  await gone(pathOf(hers, 'admin'));
  await gone(`${pathOf(hers, 'control')}/more`);
  await gone(`/tunnel/${namespace}/${hers.metadata.uid}/control`);
  await gone('/');
  await assert.rejects(knock(bob, pathOf(his, 'control'), new Uint8Array(8)), /./);
});

test('whoever says anything but a proof is shown out', async () => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  for (const words of [preface, '\xff\xff', '\x00\x00', Buffer.alloc(100_000, 1)]) {
    const { duplex } = await knock(bob, pathOf(his, 'outbound'));
    duplex.resume();
    duplex.write(words);
    await once(duplex, 'close', { signal: AbortSignal.timeout(15_000) });
  }
});

async function dialRefused(
  session: ClientSession,
  authority: string,
  uid?: string,
): Promise<string> {
  return await dialOutcome(session, authority, uid === undefined ? {} : { [interceptHeader]: uid });
}

test('through a proven tunnel nothing is dialled that never is', async () => {
  await using session = await enter(bob, his, { role: 'outbound', signer: bobKey });
  const manager = env('E2E_MANAGER_IP');
  const never = [
    '127.0.0.1:10250',
    '127.0.0.1:8081',
    '127.1.2.3:8443',
    '[::1]:10250',
    '[::ffff:127.0.0.1]:10250',
    '[::ffff:7f00:1]:10250',
    '0.0.0.0:10250',
    '[::]:10250',
    'localhost:10250',
    '2130706433:10250',
    '0x7f.1:10250',
    '169.254.169.254:80',
    '[::ffff:169.254.169.254]:80',
    '[fe80::1]:80',
    '224.0.0.1:80',
    '255.255.255.255:80',
    `${manager}:10250`,
    `${manager}:8081`,
    `${manager}:8443`,
    `[::ffff:${manager}]:10250`,
    // The manager again, by its Services.
    ...env('E2E_MANAGER_SERVICES').split(','),
    // The node: its kubelet, etcd, API server; the world outside.
    '172.31.0.10:10250',
    '172.31.0.10:2379',
    '172.31.0.10:6443',
    '198.18.0.1:6443',
    '203.0.113.10:80',
    '8.8.8.8:53',
    'traffic-manager.ambassador:10250',
    'hello.demo.svc.cluster.local:80',
    'x',
    '10.96.0.1',
  ];
  const outcomes = await Promise.all(
    never.map(async (to) => [to, await dialRefused(session, to)] as const),
  );
  const through = outcomes.filter(([, outcome]) => outcome !== 'Forbidden');
  assert.deepEqual(through, []);
  assert.equal(await dialRefused(session, env('E2E_SERVICE')), 'open');
});

test('a laptop calls nothing but what is for laptops', async () => {
  await using session = await enter(bob, his, { role: 'control', signer: bobKey });
  const transport = rpcTransport(session);
  const options = { signal: AbortSignal.timeout(5000) };
  const refused = (error: unknown): boolean => {
    const { code } = ConnectError.from(error);
    return code === Code.Unimplemented || code === Code.PermissionDenied;
  };
  const relay = createClient(RelayLink, transport);
  await assert.rejects(relay.reportFacts({}, options), refused);
  await assert.rejects(relay.reviewAgent({ token: 'x' }, options), refused);
  const desired = relay.watchDesired({}, options)[Symbol.asyncIterator]();
  await assert.rejects(desired.next(), refused);
  const agent = createClient(AgentControl, transport);
  await assert.rejects(agent.reportTakes({}, options), refused);
  const takes = agent.watchTakes({}, options)[Symbol.asyncIterator]();
  await assert.rejects(takes.next(), refused);
  const cluster = createClient(Cluster, transport);
  await cluster.listWorkloads({ namespace }, options);
});

test('a laptop is told the workloads of the namespace it is connected to, and no others', async () => {
  await using session = await enter(bob, his, { role: 'control', signer: bobKey });
  const cluster = createClient(Cluster, rpcTransport(session));
  const options = { signal: AbortSignal.timeout(5000) };
  await cluster.listWorkloads({ namespace }, options);
  await assert.rejects(
    cluster.listWorkloads({ namespace: 'demo' }, options),
    (error) => ConnectError.from(error).code === Code.PermissionDenied,
  );
});

test('a laptop is told the Services of namespaces that its user may use, and of others no name', async () => {
  await using session = await enter(bob, his, { role: 'control', signer: bobKey });
  const cluster = createClient(Cluster, rpcTransport(session));
  const names: string[] = [];
  let addresses = 0;
  let closed: readonly string[] = [];
  for await (const update of cluster.watchCluster({}, { signal: AbortSignal.timeout(10_000) })) {
    if (update.namespacesChanged) closed = update.closedNamespaces;
    for (const service of update.services) {
      if (service.namespace === '') addresses += 1;
      else names.push(`${service.namespace}/${service.name}`);
      if (service.namespace !== '') continue;
      assert.deepEqual(
        [service.name, service.externalName, ...service.ports.map((port) => port.name)],
        [service.addresses[0], '', ...service.ports.map(() => '')],
      );
    }
    if (update.synced) break;
  }
  assert.deepEqual(names, [`${namespace}/app`]);
  assert.ok(addresses > 3, String(addresses));
  assert.ok(closed.includes('demo') && closed.includes('kube-system'));
  assert.ok(!closed.includes(namespace));
});

async function createIntercept(who: Person, name: string, of: Connection): Promise<Intercept> {
  const { namespace: at, name: connectionName, uid } = of.metadata;
  const object = interceptManifest({
    namespace,
    name,
    user: who.user,
    connection: { namespace: at, name: connectionName, uid },
    workload: 'app',
  });
  const options = { resource: intercepts, namespace, object, schema: intercept, signal };
  return await who.client.create(options);
}

/** Waits for the end of an Intercept that must never have been anybody's. */
async function ended(who: Person, name: string): Promise<void> {
  const began = clock.monotonic();
  await until(`the end of intercept ${name}`, async () => {
    const found = await get(who, { resource: intercepts, namespace, name, schema: intercept });
    assert.notEqual(found?.status.state, 'Active');
    return found === undefined ? true : undefined;
  });
  console.log(`${name}: gone after ${String(Math.round(clock.monotonic() - began))} ms`);
}

test('an Intercept for another’s Connection is ended, and never active', async () => {
  await createIntercept(bob, 'to-alice', hers);
  await ended(bob, 'to-alice');
  // Her Connection's name with his UID, his with hers, and nobody's.
  await createIntercept(bob, 'mixed', {
    ...hers,
    metadata: { ...hers.metadata, uid: his.metadata.uid },
  });
  await ended(bob, 'mixed');
  await createIntercept(bob, 'mixed-too', {
    ...his,
    metadata: { ...his.metadata, uid: hers.metadata.uid },
  });
  await ended(bob, 'mixed-too');
  await createIntercept(bob, 'nobodys', { ...his, metadata: { ...his.metadata, uid: unknownUid } });
  await ended(bob, 'nobodys');
});

async function environmentStatus(session: ClientSession, uid: string | undefined): Promise<number> {
  const stream = session.request({
    ':method': 'POST',
    ':path': `/${Agent.typeName}/${Agent.method.getEnvironment.name}`,
    'content-type': 'application/json',
    'connect-protocol-version': '1',
    ...(uid === undefined ? {} : { [interceptHeader]: uid }),
  });
  stream.end('{}');
  const [headers]: { ':status'?: number }[] = await once(stream, 'response', { signal });
  stream.resume();
  return headers?.[':status'] ?? 0;
}

test('the environment and the localhost of another’s Intercept are nobody else’s', async () => {
  await using reverse = await enterReverse(alice, hers, aliceKey);
  const { metadata } = await createIntercept(alice, 'hers', hers);
  await until('the intercept is active', async () => {
    const options = { resource: intercepts, namespace, name: 'hers', schema: intercept };
    const found = await get(alice, options);
    return found?.status.state === 'Active' ? true : undefined;
  });
  assert.ok(reverse.isOpen);
  await using own = await enter(alice, hers, { role: 'outbound', signer: aliceKey });
  assert.equal(await environmentStatus(own, metadata.uid), 200);
  await using foreign = await enter(bob, his, { role: 'outbound', signer: bobKey });
  assert.equal(await environmentStatus(foreign, metadata.uid), 403);
  assert.equal(await environmentStatus(foreign, undefined), 403);
  assert.equal(await environmentStatus(foreign, unknownUid), 403);

  const app = '127.0.0.1:8080';
  assert.equal(await dialRefused(own, app, metadata.uid), 'open');
  for (const [session, to, uid] of [
    [foreign, app, metadata.uid],
    [foreign, app, unknownUid],
    [foreign, app, undefined],
    [own, app, undefined],
    [own, app, unknownUid],
    // The agent's own port, what works its rules, and what is not the pod's.
    [own, '127.0.0.1:9900', metadata.uid],
    [own, '127.0.74.39:8080', metadata.uid],
    [own, '[::1]:8080', metadata.uid],
    [own, '169.254.169.254:80', metadata.uid],
    [own, `${env('E2E_MANAGER_IP')}:10250`, metadata.uid],
    [own, '172.31.0.10:10250', metadata.uid],
  ] as const) {
    assert.equal(await dialRefused(session, to, uid), 'Forbidden', `${to} ${String(uid)}`);
  }
  await alice.client.delete({ resource: intercepts, namespace, name: 'hers', signal });
});

test('a deleted Connection ends its sessions, and opens none', async () => {
  const signer = createSigner();
  const short = await createConnection(bob, { namespace, name: 'short', signer });
  await using session = await enter(bob, short, { role: 'outbound', signer });
  const path = pathOf(short, 'outbound');
  await bob.client.delete({ resource: connections, namespace, name: 'short', signal });
  const began = clock.monotonic();
  await Promise.race([
    session.closed,
    clock.sleep(5000, signal).then(() => assert.fail('the session goes on after 5 s')),
  ]);
  console.log(`closed after ${String(Math.round(clock.monotonic() - began))} ms`);
  await assert.rejects(knock(bob, path), (error) => isKubeError(error, 'NotFound'));
  // The same name, made again: another UID, and the old key is not its key.
  const again = await createConnection(bob, { namespace, name: 'short', signer: bobKey });
  assert.equal(await attempt(bob, path, claim({ of: again, signer })), 'Unproven');
  assert.equal(await attempt(bob, path, claim({ of: short, signer })), 'Unproven');
});
