import { randomBytes } from 'node:crypto';
import { TunnelError } from './errors.ts';
import { exactBase64, publicKeyBytes, verifySignature } from './keys.ts';
import type { Signer } from './keys.ts';

/** What a laptop's connection is for. */
export const laptopRoles = ['control', 'outbound', 'reverse'] as const;
export type LaptopRole = (typeof laptopRoles)[number];

/** The header of the upgrade request that carries the laptop's nonce. It is no secret. */
export const nonceHeader = 'telepresence-nonce';

const nonceBytes = 32;

/** What both sides know before anybody signs. */
export interface Occasion {
  readonly laptopNonce: Uint8Array;
  readonly managerNonce: Uint8Array;
  /** The Connection's UID. */
  readonly connectionUid: string;
  readonly role: LaptopRole;
}

/** A nonce that was never used before. */
export function newNonce(): Uint8Array {
  return randomBytes(nonceBytes);
}

/** The nonce as the upgrade's header carries it. */
export function encodeNonce(nonce: Uint8Array): string {
  return Buffer.from(nonce).toString('base64');
}

/** The nonce in the upgrade's header. */
export function parseNonce(header: string | readonly string[] | undefined): Uint8Array {
  return exactBase64(typeof header === 'string' ? header : '', nonceBytes, nonceHeader);
}

/** The role at the end of the upgrade's path. */
export function parseLaptopRole(text: string): LaptopRole | undefined {
  return laptopRoles.find((role) => role === text);
}

/** The manager's word that it is the one whose key the Connection's status names. */
export function signAsManager(signer: Signer, occasion: Occasion): Uint8Array {
  return signer.sign(managerTranscript(occasion));
}

/** Whether it was the manager who signed, on this occasion. */
export function verifyManager(
  managerKey: string,
  occasion: Occasion,
  signature: Uint8Array,
): boolean {
  return verifySignature(managerKey, managerTranscript(occasion), signature);
}

/** The laptop's word that it holds the private half of the Connection's key. */
export function signAsLaptop(signer: Signer, occasion: Occasion, managerKey: string): Uint8Array {
  return signer.sign(laptopTranscript(occasion, managerKey));
}

/** Whether it was the Connection's laptop that signed, on this occasion and for this manager. */
export function verifyLaptop(
  laptopKey: string,
  occasion: Occasion,
  managerKey: string,
  signature: Uint8Array,
): boolean {
  return verifySignature(laptopKey, laptopTranscript(occasion, managerKey), signature);
}

function managerTranscript(occasion: Occasion): Uint8Array {
  return Buffer.concat([
    domain('telepresence manager v1'),
    fixed(occasion.laptopNonce),
    fixed(occasion.managerNonce),
    uidBytes(occasion.connectionUid),
    Buffer.from(occasion.role),
  ]);
}

function laptopTranscript(occasion: Occasion, managerKey: string): Uint8Array {
  return Buffer.concat([
    domain('telepresence client v1'),
    fixed(occasion.managerNonce),
    fixed(occasion.laptopNonce),
    uidBytes(occasion.connectionUid),
    Buffer.from(occasion.role),
    publicKeyBytes(managerKey),
  ]);
}

/** What is signed for one purpose can never be read as signed for another. */
function domain(name: string): Uint8Array {
  return Buffer.from(`${name}\0`);
}

/** All fields but the role have one length each, so a transcript can be read in one way only. */
function fixed(nonce: Uint8Array): Uint8Array {
  if (nonce.length !== nonceBytes) {
    throw new TunnelError('Malformed', `handshake: a nonce has ${nonceBytes} bytes`);
  }
  return nonce;
}

function uidBytes(uid: string): Uint8Array {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid)) {
    throw new TunnelError('Malformed', 'handshake: not the UID of an object');
  }
  return Buffer.from(uid);
}
