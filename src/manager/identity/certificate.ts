import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { parseIp } from '#protocol/ip-address.ts';
import {
  bits,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  set,
  time,
  utf8,
  yes,
} from './der.ts';

/** A certificate and its private key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

interface Deps {
  readonly randomBytes: (size: number) => Uint8Array;
}

interface Lifetime {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

/** An authority of our own, that signs leaves and no further authorities. ECDSA P-256 (RFC 5480). */
export function createAuthority(
  deps: Deps,
  options: Lifetime & { readonly commonName: string },
): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = distinguishedName(options.commonName);
  const certificate = issue(deps, {
    ...options,
    subject,
    issuer: subject,
    publicKey,
    signer: privateKey,
    extensions: [
      extension('2.5.29.19', sequence(yes(), integer(Buffer.from([0]))), true),
      // keyCertSign and cRLSign.
      extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true),
      subjectKeyId(publicKey),
    ],
  });
  return { cert: certificate, key: pem(privateKey) };
}

/** A server's certificate for DNS names and addresses, signed by an authority. */
export function createLeaf(
  deps: Deps,
  options: Lifetime & {
    readonly authority: Certificate;
    readonly commonName: string;
    readonly names: readonly string[];
  },
): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authority = new X509Certificate(options.authority.cert);
  const authorityKey = createPrivateKey(options.authority.key);
  const certificate = issue(deps, {
    ...options,
    subject: distinguishedName(options.commonName),
    issuer: distinguishedName(commonNameOf(authority)),
    publicKey,
    signer: authorityKey,
    extensions: [
      extension('2.5.29.19', sequence(), true),
      // digitalSignature.
      extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
      // serverAuth.
      extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
      extension('2.5.29.17', sequence(...options.names.map(generalName))),
      subjectKeyId(publicKey),
      extension('2.5.29.35', sequence(implicit(0, keyId(authority.publicKey)))),
    ],
  });
  return { cert: certificate, key: pem(privateKey) };
}

interface Contents extends Lifetime {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** RFC 5280, section 4.1. */
function issue(deps: Deps, contents: Contents): string {
  const serial = Buffer.from(deps.randomBytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    contents.issuer,
    sequence(time(contents.notBefore), time(contents.notAfter)),
    contents.subject,
    contents.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...contents.extensions)),
  );
  const signature = sign('sha256', toBeSigned, contents.signer);
  const der = sequence(toBeSigned, ecdsaWithSha256, bits(signature));
  return new X509Certificate(der).toString();
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
}

function commonNameOf(certificate: X509Certificate): string {
  return certificate.subject.replace(/^CN=/, '');
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [yes()] : []), octets(value));
}

function generalName(name: string): Buffer {
  if (isIP(name) === 0) return implicit(2, Buffer.from(name));
  const address = parseIp(name);
  const length = address?.family === 6 ? 32 : 8;
  return implicit(7, Buffer.from((address?.value ?? 0n).toString(16).padStart(length, '0'), 'hex'));
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function subjectKeyId(publicKey: KeyObject): Buffer {
  return extension('2.5.29.14', octets(keyId(publicKey)));
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}
