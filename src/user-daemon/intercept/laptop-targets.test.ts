import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import type { PortProtocol } from '#protocol/agent-config.ts';
import { intercept, type Intercept } from '#protocol/resources.ts';
import type { TakenAt } from '../flows/handler-target.ts';
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

function at(port: number | undefined, protocol: PortProtocol = 'TCP'): TakenAt {
  return { port, protocol };
}

test('an intercept of a Service’s port has one place, whatever port the app has', () => {
  const one = of({ target: { host: 'h', port: 9000 } });
  const place = { host: 'h', port: 9000, protocol: 'TCP' };
  assert.deepEqual(targetFor(one, at(8080)), place);
  assert.deepEqual(targetFor(one, at(undefined)), place);
});

test('of a whole container each port has its own, before and after the manager has said which', () => {
  const containerPorts = [{ port: '8080', target: 9000 }];
  const early = of({ containerPorts });
  assert.equal(targetFor(early, at(8080))?.port, 9000);
  assert.equal(targetFor(early, at(8081))?.port, 8081);
  const ports = [
    { port: 8080, protocol: 'TCP', target: 9000 },
    { name: 'admin', port: 8081, protocol: 'TCP', target: 9001 },
  ];
  const late = of(
    { containerPorts: [...containerPorts, { port: 'admin', target: 9001 }] },
    { ports },
  );
  assert.equal(targetFor(late, at(8081))?.port, 9001);
  assert.deepEqual(
    laptopTargets(late).map(({ port }) => port),
    [9000, 9001],
  );
  // An older agent does not say at which port it was.
  assert.equal(targetFor(late, at(undefined)), undefined);
  assert.deepEqual(laptopTargets(of({ containerPorts: [] }, { ports: [] })), []);
});

test('UDP and TCP of one number are two ports', () => {
  const containerPorts = [
    { port: '53', target: 9053 },
    { port: '53/UDP', target: 9054 },
  ];
  const ports = [
    { port: 53, protocol: 'TCP', target: 9053 },
    { port: 53, protocol: 'UDP', target: 9054 },
    { port: 8125, protocol: 'UDP', target: 8125 },
  ];
  for (const status of [{}, { ports }]) {
    const both = of({ containerPorts }, status);
    assert.equal(targetFor(both, at(53))?.port, 9053);
    assert.equal(targetFor(both, at(53, 'UDP'))?.port, 9054);
    assert.deepEqual(laptopTargets(both).slice(0, 2), [
      { host: '127.0.0.1', port: 9053, protocol: 'TCP' },
      { host: '127.0.0.1', port: 9054, protocol: 'UDP' },
    ]);
  }
  // What goes to another number is TCP's, where nobody has said that it is UDP's.
  const plain = of({ containerPorts: containerPorts.slice(0, 1) }, { ports: ports.slice(0, 1) });
  assert.equal(targetFor(plain, at(53, 'UDP'))?.port, 53);
  // An older agent does not say at which port its datagrams were: one is known.
  assert.equal(targetFor(of({ containerPorts }, { ports }), at(undefined, 'UDP')), undefined);
  const alone = of({ containerPorts }, { ports: ports.slice(0, 2) });
  assert.equal(targetFor(alone, at(undefined, 'UDP'))?.port, 9054);
});
