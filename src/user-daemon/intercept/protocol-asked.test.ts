import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ServiceInfoSchema } from '#protocol/gen/telepresence_pb.ts';
import { protocolAsked } from './protocol-asked.ts';

const services = [
  create(ServiceInfoSchema, {
    namespace: 'shop',
    name: 'dns',
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  }),
  create(ServiceInfoSchema, {
    namespace: 'shop',
    name: 'statsd',
    ports: [{ name: '', port: 8125, protocol: 'UDP' }],
  }),
  create(ServiceInfoSchema, {
    namespace: 'other',
    name: 'web',
    ports: [{ name: 'dns', port: 80, protocol: 'TCP' }],
  }),
];

test('said, or told by the Services of the namespace; of one number for both TCP is meant', () => {
  const asked = (name: string, port?: string, service?: string): string =>
    protocolAsked(
      {
        namespace: 'shop',
        spec: {
          workload: { name },
          ...(port === undefined ? {} : { port }),
          ...(service === undefined ? {} : { service }),
        },
      },
      services,
    );
  assert.equal(asked('dns', 'dns'), 'UDP');
  assert.equal(asked('dns', 'dns-tcp'), 'TCP');
  assert.equal(asked('dns', '53'), 'TCP');
  assert.equal(asked('dns', '53/udp'), 'UDP');
  assert.equal(asked('dns', 'dns/TCP'), 'TCP');
  assert.equal(asked('dns'), 'TCP');
  assert.equal(asked('statsd'), 'UDP');
  assert.equal(asked('collector', '8125'), 'UDP', 'by whichever Service has it');
  assert.equal(asked('collector', undefined, 'statsd'), 'UDP');
  assert.equal(asked('collector', '8125', 'nosuch'), 'TCP', 'nobody knows');
});
