import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { intercept, type Intercept } from '#protocol/resources.ts';
import { laptopTargets, targetFor } from './laptop-targets.ts';

function of(spec: object, status: object = {}): Intercept {
  return v.parse(intercept, {
    metadata: { name: 'x-1' },
    spec: {
      name: 'x',
      user: 'alice',
      client: 'alice@laptop',
      connection: { namespace: 'n', name: 'c', uid: 'u' },
      workload: { name: 'x' },
      target: { host: '127.0.0.1' },
      ...spec,
    },
    status,
  });
}

test('an intercept of a Service’s port has one place, whatever port the app has', () => {
  const one = of({ target: { host: 'h', port: 9000 } });
  const place = { host: 'h', port: 9000, protocol: 'TCP' };
  assert.deepEqual(targetFor(one, 8080), place);
  assert.deepEqual(targetFor(one, undefined), place);
});

test('of a whole container each port has its own, before and after the manager has said which', () => {
  const containerPorts = [{ port: '8080', target: 9000 }];
  const early = of({ containerPorts });
  assert.equal(targetFor(early, 8080)?.port, 9000);
  assert.equal(targetFor(early, 8081)?.port, 8081);
  const ports = [
    { port: 8080, protocol: 'TCP', target: 9000 },
    { name: 'admin', port: 8081, protocol: 'TCP', target: 9001 },
  ];
  const late = of(
    { containerPorts: [...containerPorts, { port: 'admin', target: 9001 }] },
    { ports },
  );
  assert.equal(targetFor(late, 8081)?.port, 9001);
  assert.deepEqual(
    laptopTargets(late).map(({ port }) => port),
    [9000, 9001],
  );
  // An older agent does not say at which port it was.
  assert.equal(targetFor(late, undefined), undefined);
  assert.deepEqual(laptopTargets(of({ containerPorts: [] }, { ports: [] })), []);
});
