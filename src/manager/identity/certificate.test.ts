import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import tls from 'node:tls';
import fc from 'fast-check';
import { createAuthority, createLeaf } from './certificate.ts';
import { integer, oid, sequence } from './der.ts';

const deps = { randomBytes };
const lifetime = {
  notBefore: new Date(Date.now() - 60_000),
  notAfter: new Date(Date.now() + 3_600_000),
};
const authority = createAuthority(deps, { ...lifetime, commonName: 'telepresence' });

test('a leaf is what it says, and of its authority', () => {
  const names = ['traffic-manager', 'a.b.svc', '10.0.0.1', 'fd00::1'];
  const leaf = createLeaf(deps, { ...lifetime, authority, commonName: 'tm', names });
  const [ca, cert] = [new X509Certificate(authority.cert), new X509Certificate(leaf.cert)];
  assert.equal(ca.ca, true);
  assert.equal(cert.ca, false);
  assert.equal(cert.checkIssued(ca), true);
  assert.equal(cert.verify(ca.publicKey), true);
  assert.equal(ca.verify(ca.publicKey), true);
  assert.equal(cert.checkPrivateKey(createPrivateKey(leaf.key)), true);
  assert.equal(cert.checkHost('a.b.svc'), 'a.b.svc');
  assert.equal(cert.checkIP('10.0.0.1'), '10.0.0.1');
  assert.equal(cert.checkIP('fd00::1'), 'fd00::1');
  assert.equal(cert.checkHost('other'), undefined);
});

test('TLS 1.3 takes it with this authority, and with no other', async () => {
  const names = ['traffic-manager'];
  const leaf = createLeaf(deps, { ...lifetime, authority, commonName: 'tm', names });
  const server = tls.createServer({ ...leaf, minVersion: 'TLSv1.3' }, (socket) => socket.end('x'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const connect = (ca: string, servername = 'traffic-manager'): tls.TLSSocket =>
    tls.connect({ port: address.port, host: '127.0.0.1', ca, servername });
  const good = connect(authority.cert);
  await once(good, 'secureConnect');
  assert.equal(good.authorized, true);
  good.destroy();
  const other = createAuthority(deps, { ...lifetime, commonName: 'telepresence' });
  await assert.rejects(once(connect(other.cert), 'secureConnect'), { code: /CERT|UNABLE/ });
  await assert.rejects(once(connect(authority.cert, 'evil'), 'secureConnect'), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  server.close();
});

test('serials differ, and dates past 2049 are written in full', () => {
  const far = createAuthority(deps, {
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2056-01-02T03:04:05Z'),
    commonName: 'x',
  });
  const certificate = new X509Certificate(far.cert);
  assert.equal(certificate.validToDate.toISOString(), '2056-01-02T03:04:05.000Z');
  assert.notEqual(certificate.serialNumber, new X509Certificate(authority.cert).serialNumber);
});

test('DER: lengths, signs and identifiers as X.690 writes them', () => {
  assert.equal(integer(Buffer.from([0x80])).toString('hex'), '02020080');
  assert.equal(integer(Buffer.from([0, 0, 1])).toString('hex'), '020101');
  assert.equal(oid('1.2.840.113549').toString('hex'), '06062a864886f70d');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 }), (bytes) => {
      const der = sequence(bytes);
      const long = (der[1] ?? 0) & 0x80 ? (der[1] ?? 0) & 0x7f : 0;
      const length = long === 0 ? (der[1] ?? 0) : der.readUIntBE(2, long);
      assert.equal(length, bytes.length);
      assert.equal(der.length, 2 + long + bytes.length);
    }),
    { numRuns: 50 },
  );
});
