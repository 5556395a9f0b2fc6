import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseContainerPorts } from './container-port.ts';

test('--port of replace', () => {
  assert.deepEqual(parseContainerPorts([]), []);
  assert.deepEqual(parseContainerPorts(['all']), []);
  assert.deepEqual(parseContainerPorts(['9000']), [{ target: 9000, port: '' }]);
  assert.deepEqual(parseContainerPorts(['9000:http', '9001:8081', 'all']), [
    { target: 9000, port: 'http' },
    { target: 9001, port: '8081' },
  ]);
  assert.deepEqual(parseContainerPorts(['5300:53/udp', '5301:dns/TCP']), [
    { target: 5300, port: '53/UDP' },
    { target: 5301, port: 'dns/TCP' },
  ]);
  for (const bad of [
    '',
    '1:/UDP',
    '1:53/',
    '1:53/SCTP',
    '53/UDP',
    '1:53/UDP/UDP',
    ':',
    'http',
    '0',
    '1:',
    '1:0',
    '1:2:3',
    '1:Http',
    '65536:http',
    '1:-a',
  ]) {
    assert.throws(() => parseContainerPorts([bad]), { code: 'Usage' }, bad);
  }
  assert.throws(() => parseContainerPorts(['9000', '9001:http']), /which port of the container/);
});
