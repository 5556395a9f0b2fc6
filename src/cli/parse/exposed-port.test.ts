import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CliError } from '../errors.ts';
import type { FlagSpec } from './flag-spec.ts';
import { isPublishedPort, readExposedPorts, readHostname } from './exposed-port.ts';
import { parseLine } from './parse-line.ts';

const specs: readonly FlagSpec[] = [
  { name: 'expose', kind: 'list', help: '' },
  { name: 'hostname', kind: 'text', help: '' },
];
const line = (...argv: readonly string[]) => parseLine(specs, { names: [] }, argv);

test("ports are written as docker's -p has them", () => {
  for (const good of [
    '80',
    '8080:80',
    '127.0.0.1:8080:80',
    '127.0.0.1::80',
    '0.0.0.0:53:53/udp',
    '[::1]:8080:80/tcp',
    '8000-8003:8000-8003',
    '9000-9010:90',
    '80/udp',
  ]) {
    assert.ok(isPublishedPort(good), good);
  }
  for (const bad of [
    '',
    '0',
    '65536',
    ':80',
    '80:',
    'http',
    '8080:http',
    'localhost:8080:80',
    '1.2.3:8080:80',
    '::1:8080:80',
    '8080:80/icmp',
    '8080:80/tcp/udp',
    '1-3:1-2',
    '3-1',
    '1:2:3:4',
    '-80',
    '8080 :80',
  ]) {
    assert.ok(!isPublishedPort(bad), bad);
  }
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(fc.ipV4(), port, port, fc.constantFrom('', '/tcp', '/udp'), (ip, a, b, end) => {
      assert.ok(isPublishedPort(`${ip}:${String(a)}:${String(b)}${end}`));
    }),
  );
  fc.assert(fc.property(fc.string(), (noise) => void isPublishedPort(noise)));
});

test('each --expose is kept as typed; what is none is refused by name', () => {
  assert.deepEqual(readExposedPorts(line('--expose', '8080:80', '--expose=53:53/udp')), [
    '8080:80',
    '53:53/udp',
  ]);
  assert.deepEqual(readExposedPorts(line()), []);
  assert.throws(
    () => readExposedPorts(line('--expose', 'http')),
    (error) => error instanceof CliError && /"http" for "--expose"/.test(error.message),
  );
});

test('a host name is one', () => {
  assert.equal(readHostname(line()), '');
  for (const good of ['a', 'my-laptop', 'A1.dev.example']) {
    assert.equal(readHostname(line('--hostname', good)), good);
  }
  for (const bad of ['', '-a', 'a_b', 'a..b', 'a.', 'x'.repeat(64), 'a b']) {
    assert.throws(() => readHostname(line(`--hostname=${bad}`)), CliError, bad);
  }
});
