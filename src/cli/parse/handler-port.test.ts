import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHandlerPort, refuseContainerPort, withoutContainerPort } from './handler-port.ts';

test('the port of the container, and what the daemon is told', () => {
  for (const [typed, laptop, container, service, told] of [
    ['8080', 8080, 8080, undefined, '8080'],
    ['8080:80', 8080, 80, undefined, '8080'],
    ['8080:80:http', 8080, 80, 'http', '8080:http'],
    ['5300:53:53/UDP', 5300, 53, '53/UDP', '5300:53/UDP'],
  ] as const) {
    const port = parseHandlerPort(typed);
    assert.deepEqual(port, { laptop, container, service }, typed);
    assert.equal(withoutContainerPort(port), told);
  }
});

test('what is no port of a container, and what is none at all', () => {
  for (const typed of ['8080:http', '8080:', '8080:0', '8080:70000', ':80']) {
    assert.throws(() => parseHandlerPort(typed), { code: 'Usage' }, typed);
  }
  assert.throws(() => parseHandlerPort('8080:80:'), { code: 'Usage' });
});

test('with the daemon in a container the second is the service’s, and there is no third', () => {
  refuseContainerPort('8080');
  refuseContainerPort('8080:http');
  assert.throws(() => refuseContainerPort('8080:80:http'), { code: 'Usage' });
});
