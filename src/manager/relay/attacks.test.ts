import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { test } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import { systemClock } from '#base/clock.ts';
import {
  AgentHelloSchema,
  ChallengeSchema,
  ProofSchema,
  VerdictSchema,
} from '#protocol/gen/telepresence_pb.ts';
import { encodeNonce, newNonce, signAsLaptop, type LaptopRole } from '#tunnel/handshake-proof.ts';
import { withHandshake } from '#tunnel/handshake.ts';
import { createSigner } from '#tunnel/keys.ts';
import { enterAsLaptop } from '#tunnel/laptop-handshake.ts';
import { connectionOf, laptopOf, testRelay, type Laptop, type TestRelay } from './test-relay.ts';

const never = new AbortController().signal;
const alice = laptopOf('alice-1', 'aaaaaaaa-0000-4000-8000-000000000001');
const mallory = laptopOf('mallory-1', 'dddddddd-0000-4000-8000-000000000001');
const connections = [connectionOf(alice), connectionOf(mallory)];
const reading = { ms: 5000, what: 'handshake', signal: never };

interface Attack {
  /** Whose connection the path names. */
  readonly path: Laptop;
  readonly pathRole: LaptopRole;
  /** The proof that is sent, made from the relay's challenge. */
  readonly prove: (
    managerNonce: Uint8Array,
    laptopNonce: Uint8Array,
  ) => { readonly connectionUid: string; readonly signature: Uint8Array };
}

/** What the relay answers to a proof. */
async function verdict(
  relay: TestRelay,
  attack: Attack,
  laptopNonce = newNonce(),
): Promise<string> {
  const { namespace, name } = attack.path;
  const socket = await relay.upgrade({
    path: `/tunnel/${namespace}/${name}/${attack.pathRole}`,
    nonce: encodeNonce(laptopNonce),
  });
  const { code } = await withHandshake({ clock: systemClock }, socket, reading, async (frames) => {
    const challenge = await frames.read(ChallengeSchema);
    await frames.write(ProofSchema, attack.prove(challenge.nonce, laptopNonce));
    return await frames.read(VerdictSchema);
  });
  socket.destroy();
  return code;
}

function proofOf(
  relay: TestRelay,
  signed: {
    readonly by: Laptop;
    readonly uid?: string;
    readonly role?: LaptopRole;
    readonly managerKey?: string;
  },
): Attack['prove'] {
  return (managerNonce, laptopNonce) => {
    const connectionUid = signed.uid ?? signed.by.uid;
    const occasion = { laptopNonce, managerNonce, connectionUid, role: signed.role ?? 'outbound' };
    const key = signed.managerKey ?? relay.managerKey;
    return { connectionUid, signature: signAsLaptop(signed.by.signer, occasion, key) };
  };
}

test('a proof counts for one connection, one role, one occasion and one manager', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections });
  const target = { path: alice, pathRole: 'outbound' } as const;
  const honest = proofOf(relay, { by: alice });
  assert.equal(await verdict(relay, { ...target, prove: honest }), 'ok');
  const forged: Record<string, Attack['prove']> = {
    'another key': proofOf(relay, { by: mallory, uid: alice.uid }),
    'another connection': proofOf(relay, { by: mallory }),
    'another role': proofOf(relay, { by: alice, role: 'reverse' }),
    'another manager': proofOf(relay, { by: alice, managerKey: createSigner().publicKey }),
    'another nonce': (_nonce, laptopNonce) => honest(newNonce(), laptopNonce),
    'another laptop nonce': (managerNonce) => honest(managerNonce, newNonce()),
    'no signature': () => ({ connectionUid: alice.uid, signature: new Uint8Array() }),
    'a signature of nothing': () => ({ connectionUid: alice.uid, signature: new Uint8Array(64) }),
  };
  for (const [name, prove] of Object.entries(forged)) {
    assert.equal(await verdict(relay, { ...target, prove }), 'Unproven', name);
  }
  // Mallory's own proof on her own path gives her no more than her own connection.
  const own = { path: mallory, pathRole: 'outbound', prove: honest } as const;
  assert.equal(await verdict(relay, own), 'Unproven');
});

test('a proof that was heard once is worth nothing again', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections });
  const nonce = newNonce();
  let heard: ReturnType<Attack['prove']> | undefined;
  const target = { path: alice, pathRole: 'outbound' } as const;
  const listen: Attack['prove'] = (managerNonce, laptopNonce) => {
    heard = proofOf(relay, { by: alice })(managerNonce, laptopNonce);
    return heard;
  };
  assert.equal(await verdict(relay, { ...target, prove: listen }, nonce), 'ok');
  const replay = heard;
  assert.ok(replay);
  assert.equal(await verdict(relay, { ...target, prove: () => replay }, nonce), 'Unproven');
  assert.equal(await verdict(relay, { ...target, prove: () => replay }), 'Unproven');
});

test('a relay in the middle cannot pass a laptop’s proof on under another role', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections });
  // The laptop asks the man in the middle for `control`; he asks the relay for `reverse`.
  const laptopNonce = newNonce();
  const socket = await relay.upgrade({
    path: `/tunnel/${alice.namespace}/${alice.name}/reverse`,
    nonce: encodeNonce(laptopNonce),
  });
  await assert.rejects(
    enterAsLaptop({ clock: systemClock, signer: alice.signer }, socket, {
      connectionUid: alice.uid,
      role: 'control',
      laptopNonce,
      managerKey: relay.managerKey,
      signal: never,
    }),
    { code: 'Unproven' },
  );
});

test('HTTP/2 before the proof, or instead of it, opens nothing', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections });
  const socket = await relay.upgrade({
    path: `/tunnel/${alice.namespace}/${alice.name}/outbound`,
    nonce: encodeNonce(newNonce()),
  });
  const session = http2.connect('http://tunnel', { createConnection: () => socket });
  session.on('error', () => {});
  await new Promise((resolve) => session.once('close', resolve));
  await relay.controller.want({ connections });
  const facts = await relay.controller.facts(() => true);
  assert.equal(facts.laptops.length, 0);
});

test('requests that are no tunnels are refused before any challenge', async () => {
  await using relay = await testRelay();
  const nonce = encodeNonce(newNonce());
  const path = `/tunnel/${alice.namespace}/${alice.name}/outbound`;
  await relay.controller.want({ connections });
  assert.equal(await relay.refused({ path: '/tunnel/shop/nobody/outbound', nonce }), '404');
  assert.equal(await relay.refused({ path: `${path}x`, nonce }), '404');
  assert.equal(await relay.refused({ path: `${path}?x=1`, nonce }), '404');
  assert.equal(await relay.refused({ path: '/tunnel/shop/../alice-1/outbound', nonce }), '404');
  assert.equal(await relay.refused({ path, nonce: 'short' }), '404');
  assert.equal(await relay.refused({ path, nonce: '' }), '404');
});

test('an agent is who its token says, whatever it claims', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections });
  await assert.rejects(relay.agent('stolen', 'inbound'), { code: 'Unproven' });
  relay.controller.tokens.set('t', { namespace: 'shop', pod: 'p', podUid: 'pod-9' });
  await assert.rejects(hello(await plainAgent(relay), 'reverse', 't'), /Malformed/);
  await assert.rejects(hello(await plainAgent(relay), '', 't'), /Malformed/);
  await assert.rejects(hello(await plainAgent(relay), 'inbound', ''), /Unproven/);
});

async function plainAgent(relay: TestRelay): Promise<TLSSocket> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: relay.relay.agentsPort,
    rejectUnauthorized: false,
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

async function hello(socket: TLSSocket, role: string, token: string): Promise<void> {
  const { code } = await withHandshake({ clock: systemClock }, socket, reading, async (frames) => {
    await frames.write(AgentHelloSchema, { role, token });
    return await frames.read(VerdictSchema);
  });
  socket.destroy();
  if (code !== 'ok') throw new Error(code);
}
