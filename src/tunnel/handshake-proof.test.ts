import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  encodeNonce,
  laptopRoles,
  newNonce,
  parseLaptopRole,
  parseNonce,
  signAsLaptop,
  signAsManager,
  verifyLaptop,
  verifyManager,
} from './handshake-proof.ts';
import type { Occasion } from './handshake-proof.ts';
import { createSigner, importSigner, publicKeyBytes, verifySignature } from './keys.ts';

const manager = createSigner();
const laptop = createSigner();
const stranger = createSigner();

const occasion: Occasion = {
  laptopNonce: newNonce(),
  managerNonce: newNonce(),
  connectionUid: '0b2f8a52-7d0c-4c3e-9c57-5d0f4b1e2a3d',
  role: 'outbound',
};

/** Every way in which another occasion may differ. */
const others: Readonly<Record<string, Occasion>> = {
  'another laptop nonce': { ...occasion, laptopNonce: newNonce() },
  'another manager nonce': { ...occasion, managerNonce: newNonce() },
  'another connection': { ...occasion, connectionUid: '1b2f8a52-7d0c-4c3e-9c57-5d0f4b1e2a3d' },
  'another role': { ...occasion, role: 'reverse' },
  'the nonces exchanged': {
    ...occasion,
    laptopNonce: occasion.managerNonce,
    managerNonce: occasion.laptopNonce,
  },
};

test('a proof holds on its own occasion and on no other', () => {
  const byManager = signAsManager(manager, occasion);
  const byLaptop = signAsLaptop(laptop, occasion, manager.publicKey);
  assert.ok(verifyManager(manager.publicKey, occasion, byManager));
  assert.ok(verifyLaptop(laptop.publicKey, occasion, manager.publicKey, byLaptop));
  for (const [difference, other] of Object.entries(others)) {
    assert.ok(!verifyManager(manager.publicKey, other, byManager), difference);
    assert.ok(!verifyLaptop(laptop.publicKey, other, manager.publicKey, byLaptop), difference);
  }
});

test('a proof by another key, or for another manager, does not hold', () => {
  const byLaptop = signAsLaptop(laptop, occasion, manager.publicKey);
  assert.ok(!verifyLaptop(stranger.publicKey, occasion, manager.publicKey, byLaptop));
  assert.ok(!verifyLaptop(laptop.publicKey, occasion, stranger.publicKey, byLaptop));
  assert.ok(!verifyManager(stranger.publicKey, occasion, signAsManager(manager, occasion)));
});

test('neither side’s proof stands for the other’s, even with one key for both', () => {
  const byManager = signAsManager(manager, occasion);
  const byLaptop = signAsLaptop(manager, occasion, manager.publicKey);
  assert.ok(!verifyLaptop(manager.publicKey, occasion, manager.publicKey, byManager));
  assert.ok(!verifyManager(manager.publicKey, occasion, byLaptop));
});

test('noise is no signature', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      assert.ok(!verifyManager(manager.publicKey, occasion, noise));
    }),
  );
});

test('a nonce of another length, or a UID that is none, is never signed or checked', () => {
  const short = { ...occasion, managerNonce: new Uint8Array(31) };
  const noUid = { ...occasion, connectionUid: `${occasion.connectionUid}x` };
  for (const bad of [short, noUid]) {
    assert.throws(() => signAsManager(manager, bad), { code: 'Malformed' });
    assert.throws(() => signAsLaptop(laptop, bad, manager.publicKey), { code: 'Malformed' });
    assert.throws(() => verifyManager(manager.publicKey, bad, new Uint8Array(64)), {
      code: 'Malformed',
    });
  }
});

test('a nonce goes through a header, and nothing else does', () => {
  const nonce = newNonce();
  assert.deepEqual(new Uint8Array(parseNonce(encodeNonce(nonce))), new Uint8Array(nonce));
  const bad = ['', 'AAAA', `${encodeNonce(nonce)}=`, ` ${encodeNonce(nonce)}`, undefined, ['', '']];
  for (const header of bad) assert.throws(() => parseNonce(header), { code: 'Malformed' });
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.throws(() => parseNonce(text), { code: 'Malformed' });
    }),
  );
});

test('roles are the three there are', () => {
  for (const role of laptopRoles) assert.equal(parseLaptopRole(role), role);
  assert.equal(parseLaptopRole('toString'), undefined);
  assert.equal(parseLaptopRole('Control'), undefined);
});

test('a key is kept as JWK, and shown as 32 bytes', () => {
  const again = importSigner(laptop.exportJwk());
  assert.equal(again.publicKey, laptop.publicKey);
  assert.equal(publicKeyBytes(laptop.publicKey).length, 32);
  const message = Buffer.from('message');
  assert.ok(verifySignature(laptop.publicKey, message, again.sign(message)));
  for (const text of ['', '{}', '{"kty":"OKP"}', 'null', '[]']) {
    assert.throws(() => importSigner(text), { code: 'Malformed' });
  }
  assert.throws(() => publicKeyBytes('short'), { code: 'Malformed' });
});
