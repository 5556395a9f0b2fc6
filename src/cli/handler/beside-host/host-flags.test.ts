import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { InterceptInfoSchema } from '#protocol/gen/telepresence_pb.ts';
import { parseDockerWords } from '../docker-words.ts';
import { parseRunHelp } from '../run-options.ts';
import { hostFlags, ownNetwork, publishedPorts } from './host-flags.ts';

const help = parseRunHelp('      --network network   Connect a container to a network\n');
const networkOf = (...words: readonly string[]) =>
  ownNetwork(parseDockerWords([...words, 'image'], help));
const info = (fields: object) =>
  create(InterceptInfoSchema, {
    targetHost: '127.0.0.1',
    targetPort: 8080,
    protocol: 'TCP',
    ...fields,
  });
const flags = (fields: object, more: Partial<Parameters<typeof hostFlags>[0]> = {}) =>
  hostFlags({
    network: { kind: 'bridge', name: 'bridge' },
    ports: publishedPorts(info(fields), 80),
    published: [],
    withoutSearch: false,
    ...more,
  });

test('the flags that the guide lists', () => {
  assert.deepEqual(flags({}), ['--dns-search=tel2-search', '-p', '127.0.0.1:8080:80']);
  assert.deepEqual(flags({ protocol: 'UDP' }).slice(1), ['-p', '127.0.0.1:8080:80/udp']);
  assert.deepEqual(flags({ targetHost: '::1' }).slice(1), ['-p', '[::1]:8080:80']);
  assert.deepEqual(flags({ mode: 'ingest' }), ['--dns-search=tel2-search']);
  assert.deepEqual(flags({}, { withoutSearch: true }), ['-p', '127.0.0.1:8080:80']);
  const ports = [
    { target: 8080, protocol: 'TCP' },
    { target: 53, protocol: 'UDP' },
  ];
  assert.deepEqual(flags({ wholeContainer: true, ports }).slice(1), [
    '-p',
    '127.0.0.1:8080:8080',
    '-p',
    '127.0.0.1:53:53/udp',
  ]);
});

test('what the user publishes himself is not published twice', () => {
  for (const typed of ['8080:80', '0.0.0.0:8080:81/tcp', '[::1]:8080:80']) {
    assert.deepEqual(flags({}, { published: [typed] }), ['--dns-search=tel2-search'], typed);
  }
  for (const typed of ['80', '8081:80', '8080:80/udp']) {
    assert.equal(flags({}, { published: [typed] }).length, 3, typed);
  }
});

test('a container without a bridge of its own has nothing to publish', () => {
  assert.deepEqual(networkOf(), { kind: 'bridge', name: 'bridge' });
  assert.deepEqual(networkOf('--network', 'own'), { kind: 'bridge', name: 'own' });
  for (const network of ['host', 'none', 'container:x']) {
    assert.deepEqual(networkOf('--network', network), { kind: 'other' });
  }
  assert.deepEqual(flags({}, { network: { kind: 'other' } }), []);
});
