import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { ChallengeSchema, ProofSchema } from '#protocol/gen/telepresence_pb.ts';
import { admitAgent, enterAsAgent } from './agent-handshake.ts';
import { openClientSession } from './client-session.ts';
import { TunnelError } from './errors.ts';
import { newNonce, signAsLaptop } from './handshake-proof.ts';
import { withHandshake } from './handshake.ts';
import type { Frames } from './handshake.ts';
import { createSigner } from './keys.ts';
import { admitLaptop, enterAsLaptop } from './laptop-handshake.ts';
import { serveSession } from './server-session.ts';
import { sessionDeps, socketPair } from './session.fixture.ts';

const signal = AbortSignal.timeout(60_000);
const clock = systemClock;
const manager = createSigner();
const laptop = createSigner();
const connectionUid = '0b2f8a52-7d0c-4c3e-9c57-5d0f4b1e2a3d';

/** What both sides agree on when all is well. */
function agreed() {
  return { connectionUid, role: 'outbound', laptopNonce: newNonce(), signal } as const;
}

test('after the handshake the connection carries HTTP/2 at once', async () => {
  await using pair = await socketPair();
  const both = agreed();
  const relay = async (): Promise<AsyncDisposable> => {
    const options = { ...both, laptopKey: laptop.publicKey };
    await admitLaptop({ clock, signer: manager }, pair.far, options);
    return serveSession(pair.far, { ...sessionDeps, onFlow: (flow) => flow.refuse('Refused') });
  };
  const relayed = relay();
  const options = { ...both, managerKey: manager.publicKey };
  await enterAsLaptop({ clock, signer: laptop }, pair.near, options);
  await using client = openClientSession(pair.near, sessionDeps);
  await assert.rejects(client.openFlow({ authority: 'x:1', signal }), { code: 'Refused' });
  await using server = await relayed;
  assert.ok(server);
});

type Differences = {
  readonly laptop?: Partial<Parameters<typeof enterAsLaptop>[2]>;
  readonly relay?: Partial<Parameters<typeof admitLaptop>[2]>;
  readonly signer?: ReturnType<typeof createSigner>;
};

async function enter(differences: Differences): Promise<readonly [string, string]> {
  await using pair = await socketPair();
  const both = agreed();
  const relay = admitLaptop({ clock, signer: manager }, pair.far, {
    ...both,
    laptopKey: laptop.publicKey,
    ...differences.relay,
  });
  const mine = enterAsLaptop({ clock, signer: differences.signer ?? laptop }, pair.near, {
    ...both,
    managerKey: manager.publicKey,
    ...differences.laptop,
  });
  const code = (result: PromiseSettledResult<unknown>): string => {
    if (result.status === 'fulfilled') return 'ok';
    return result.reason instanceof TunnelError ? result.reason.code : String(result.reason);
  };
  const [theLaptop, theRelay] = await Promise.allSettled([mine, relay]);
  return [code(theLaptop), code(theRelay)];
}

test('who is not who they should be does not get in', async () => {
  assert.deepEqual(await enter({}), ['ok', 'ok']);
  // The laptop finds out first wherever the manager's own proof does not fit.
  const unprovenManager = ['Unproven', 'Lost'];
  const uid = '1b2f8a52-7d0c-4c3e-9c57-5d0f4b1e2a3d';
  assert.deepEqual(
    await enter({ laptop: { managerKey: createSigner().publicKey } }),
    unprovenManager,
  );
  assert.deepEqual(await enter({ laptop: { laptopNonce: newNonce() } }), unprovenManager);
  assert.deepEqual(await enter({ laptop: { role: 'control' } }), unprovenManager);
  assert.deepEqual(await enter({ laptop: { connectionUid: uid } }), unprovenManager);
  assert.deepEqual(await enter({ signer: createSigner() }), ['Unproven', 'Unproven']);
  assert.deepEqual(await enter({ relay: { laptopKey: createSigner().publicKey } }), [
    'Unproven',
    'Unproven',
  ]);
});

/** Meets the relay with a script in place of a laptop; gives how the relay decided. */
async function meetRelay(script: (frames: Frames, nonce: Uint8Array) => Promise<void>) {
  await using pair = await socketPair();
  const both = agreed();
  const relay = admitLaptop({ clock, signer: manager }, pair.far, {
    ...both,
    laptopKey: laptop.publicKey,
  });
  const playing = withHandshake(
    { clock },
    pair.near,
    { ms: 5000, what: 'script', signal },
    (frames) => script(frames, both.laptopNonce),
  );
  const [outcome] = await Promise.allSettled([relay, playing]);
  return outcome.status === 'fulfilled' ? 'ok' : outcome.reason.code;
}

test('a proof recorded on one connection does not open another', async () => {
  let recorded: { managerNonce: Uint8Array; laptopNonce: Uint8Array; signature: Uint8Array };
  const first = await meetRelay(async (frames, laptopNonce) => {
    const { nonce } = await frames.read(ChallengeSchema);
    const occasion = { laptopNonce, managerNonce: nonce, connectionUid, role: 'outbound' } as const;
    const signature = signAsLaptop(laptop, occasion, manager.publicKey);
    recorded = { managerNonce: nonce, laptopNonce, signature };
    await frames.write(ProofSchema, { connectionUid, signature });
  });
  assert.equal(first, 'ok');
  const second = await meetRelay(async (frames) => {
    await frames.read(ChallengeSchema);
    await frames.write(ProofSchema, { connectionUid, signature: recorded.signature });
  });
  assert.equal(second, 'Unproven');
});

test('a proof for another connection’s UID is not taken', async () => {
  const outcome = await meetRelay(async (frames, laptopNonce) => {
    const { nonce } = await frames.read(ChallengeSchema);
    const other = '1b2f8a52-7d0c-4c3e-9c57-5d0f4b1e2a3d';
    const occasion = {
      laptopNonce,
      managerNonce: nonce,
      connectionUid: other,
      role: 'outbound',
    } as const;
    const signature = signAsLaptop(laptop, occasion, manager.publicKey);
    await frames.write(ProofSchema, { connectionUid: other, signature });
  });
  assert.equal(outcome, 'Unproven');
});

test('an agent is let in by its token, for a role that there is', async () => {
  const review = async (token: string): Promise<string> => {
    if (token === 'down') throw new Error('no API server');
    if (token !== 'good') throw new TunnelError('Unproven', 'the token is not valid');
    return 'web-1';
  };
  const meet = async (token: string) => {
    await using pair = await socketPair();
    return await Promise.allSettled([
      admitAgent({ clock }, pair.far, { review, signal }),
      enterAsAgent({ clock }, pair.near, { role: 'inbound', token, signal }),
    ]);
  };
  const [relay, agent] = await meet('good');
  assert.deepEqual(relay, { status: 'fulfilled', value: { role: 'inbound', identity: 'web-1' } });
  assert.equal(agent.status, 'fulfilled');

  const [, refused] = await meet('bad');
  assert.ok(refused.status === 'rejected' && refused.reason.code === 'Unproven');
  const [, unlucky] = await meet('down');
  assert.ok(unlucky.status === 'rejected' && unlucky.reason.code === 'Unavailable');
  assert.ok(!String(unlucky.reason).includes('API server'));
});
