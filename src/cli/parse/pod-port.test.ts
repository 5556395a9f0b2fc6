import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CliError } from '../errors.ts';
import { parsePodPorts } from './pod-port.ts';

test('--to-pod', () => {
  assert.deepEqual(parsePodPorts([]), []);
  assert.deepEqual(parsePodPorts(['5432', '8125/UDP', '53/udp', '53/tcp', '5432/TCP']), [
    { port: 5432, protocol: 'TCP' },
    { port: 8125, protocol: 'UDP' },
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ]);
  for (const wrong of ['', '0', '65536', 'http', '80/', '80/SCTP', '80/TCP/UDP', '80:81', '-1']) {
    assert.throws(() => parsePodPorts(['80', wrong]), {
      code: 'Usage',
      message: `invalid argument "${wrong}" for "--to-pod": it is PORT[/UDP], such as 5432 or 8125/UDP`,
    });
  }
});

test('any port comes through, noise is a usage error', () => {
  const ports = fc.integer({ min: 1, max: 65_535 });
  const protocols = fc.constantFrom('TCP', 'UDP');
  fc.assert(
    fc.property(ports, protocols, (port, protocol) => {
      assert.deepEqual(parsePodPorts([`${String(port)}/${protocol}`]), [{ port, protocol }]);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        const [read] = parsePodPorts([text]);
        assert.ok(read !== undefined && read.port >= 1 && read.port <= 65_535);
      } catch (error) {
        assert.ok(error instanceof CliError);
      }
    }),
  );
});
