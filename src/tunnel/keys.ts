import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { TunnelError } from './errors.ts';

/** The private half of an Ed25519 key. */
export interface Signer {
  /** Base64 of the public half's 32 bytes, as objects and proofs carry it. */
  readonly publicKey: string;
  sign(message: Uint8Array): Uint8Array;
  /** Both halves as JSON (RFC 8037), to be kept where nobody else reads. */
  exportJwk(): string;
}

/** Makes a fresh key. */
export function createSigner(): Signer {
  return signerOf(generateKeyPairSync('ed25519').privateKey);
}

/** Reads what `exportJwk` wrote. */
export function importSigner(jwk: string): Signer {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: JSON.parse(jwk), format: 'jwk' });
  } catch (error) {
    throw new TunnelError('Malformed', 'not a private key in JWK form', { cause: error });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new TunnelError('Malformed', 'not an Ed25519 private key');
  }
  return signerOf(key);
}

/** Whether `signature` is of `message` by the private half of `publicKey`. */
export function verifySignature(
  publicKey: string,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return signature.length === 64 && verify(null, message, publicKeyObject(publicKey), signature);
}

/** The 32 bytes of a public key. */
export function publicKeyBytes(publicKey: string): Uint8Array {
  return exactBase64(publicKey, 32, 'public key');
}

/** Base64 in its one canonical form, of exactly `length` bytes. */
export function exactBase64(text: string, length: number, what: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== length || bytes.toString('base64') !== text) {
    throw new TunnelError('Malformed', `${what}: not ${length} bytes in base64`);
  }
  return bytes;
}

function signerOf(privateKey: KeyObject): Signer {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    publicKey: Buffer.from(x ?? '', 'base64url').toString('base64'),
    sign: (message) => sign(null, message, privateKey),
    exportJwk: () => JSON.stringify(privateKey.export({ format: 'jwk' })),
  };
}

function publicKeyObject(publicKey: string): KeyObject {
  const x = Buffer.from(publicKeyBytes(publicKey)).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
