import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { containerPorts } from './published-port.ts';

test('the ports of the container, whatever the laptop’s are', () => {
  assert.deepEqual(containerPorts('80'), ['80/tcp']);
  assert.deepEqual(containerPorts('127.0.0.1::80'), ['80/tcp']);
  assert.deepEqual(containerPorts('[::1]:8080:80/UDP'), ['80/udp']);
  assert.deepEqual(containerPorts('8000-8002:9000-9002'), ['9000/tcp', '9001/tcp', '9002/tcp']);
  for (const wrong of ['', 'a', '80:', '0', '80/sctp', '9-8', '1-65535', '65536', '80/tcp/udp']) {
    assert.throws(() => containerPorts(wrong), /invalid argument/, wrong);
  }
});

test('any text is ports or a usage error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        for (const one of containerPorts(text)) assert.match(one, /^\d+\/(tcp|udp)$/);
      } catch (error) {
        assert.match(String(error), /invalid argument/);
      }
    }),
  );
});
