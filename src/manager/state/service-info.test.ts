import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { endpointSliceObject, serviceObject, type EndpointSliceObject } from './cluster-objects.ts';
import { serviceFacts, serviceOfSlice } from './service-info.ts';

const metadata = { name: 'web', namespace: 'shop' };

function slice(endpoints: unknown, ports: unknown): EndpointSliceObject {
  return v.parse(endpointSliceObject, {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints,
    ports,
  });
}

test('a port is ready when a slice with a ready endpoint has it', () => {
  const service = v.parse(serviceObject, {
    metadata,
    spec: {
      clusterIPs: ['10.96.0.7'],
      ports: [
        { name: 'http', port: 80 },
        { name: 'grpc', port: 81 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    },
  });
  const slices = [
    slice(
      [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
      [{ name: 'http', port: 8080 }],
    ),
    slice([{ addresses: ['10.0.0.2'], conditions: { ready: false } }], [{ name: 'grpc' }]),
    slice([{ addresses: ['10.0.0.3'] }], [{ name: 'dns', protocol: 'TCP' }]),
    slice(null, null),
  ];
  const facts = serviceFacts(service, slices);
  assert.deepEqual(
    facts.ports.map((port) => [port.name, port.ready]),
    [
      ['http', true],
      ['grpc', false],
      ['dns', false],
    ],
  );
  assert.deepEqual(facts.addresses, ['10.96.0.7']);
  assert.deepEqual(facts.endpointAddresses, []);
  assert.equal(serviceOfSlice(slices[0] ?? slice([], [])), 'shop/web');
});

test('a headless service has its endpoints instead of an address; an external one its name', () => {
  const headless = v.parse(serviceObject, {
    metadata,
    spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ port: 80 }] },
  });
  const ready = slice([{ addresses: ['10.0.0.2'] }, { addresses: ['10.0.0.1'] }], [{ port: 80 }]);
  const facts = serviceFacts(headless, [ready, ready]);
  assert.deepEqual(facts.addresses, []);
  assert.deepEqual(facts.endpointAddresses, ['10.0.0.1', '10.0.0.2']);
  assert.equal(facts.ports[0]?.ready, true);
  const external = v.parse(serviceObject, {
    metadata,
    spec: { type: 'ExternalName', externalName: 'db.example.org' },
  });
  assert.equal(serviceFacts(external, []).externalName, 'db.example.org');
});
