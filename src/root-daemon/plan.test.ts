import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { nearlyText } from '#base/nearly.fixture.ts';
import { DesiredSchema } from '#protocol/gen/telepresence_pb.ts';
import { RootDaemonError } from './errors.ts';
import { planOf, routedSubnets } from './plan.ts';
import { whoseName } from './resolver/whose-name.ts';

const subnet = nearlyText(['10.0.0.0/8', 'fd00::/64', '10.1.2.3/32'], ['/', '.', ':', '0', '33']);
const name = nearlyText(['cluster.local', 'default', '.com'], ['.', '..', '\0', '/', ' ', 'x']);
const desired = fc.record({
  redirectPort: fc.nat(100_000),
  ipv6: fc.boolean(),
  gate: fc.boolean(),
  subnets: fc.array(subnet, { maxLength: 3 }),
  alsoProxy: fc.array(subnet, { maxLength: 2 }),
  neverProxy: fc.array(subnet, { maxLength: 2 }),
  serviceSubnets: fc.array(subnet, { maxLength: 2 }),
  allowConflicting: fc.array(subnet, { maxLength: 2 }),
  openServices: fc.array(
    fc.record({ address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), port: fc.nat(100_000) }),
    { maxLength: 3 },
  ),
  dns: fc.option(
    fc.record({
      clusterDomain: name,
      answerSocket: fc.constantFrom('/run/a', 'a', ''),
      namespaces: fc.array(name, { maxLength: 3 }),
      excludeSuffixes: fc.array(name, { maxLength: 3 }),
      excludes: fc.array(name, { maxLength: 3 }),
      search: fc.array(name, { maxLength: 2 }),
    }),
    { nil: undefined },
  ),
});

test('whatever a user’s daemon desires is a plan that makes sense, or BadDesired', () => {
  fc.assert(
    fc.property(desired, name, fc.integer({ min: 1, max: 255 }), (wanted, asked, type) => {
      const { dns, ...rest } = wanted;
      try {
        const plan = planOf(create(DesiredSchema, dns === undefined ? rest : { ...rest, dns }));
        for (const { prefix } of routedSubnets(plan)) assert.ok(prefix > 0 && prefix <= 128);
        for (const { port } of plan.openServices) assert.ok(port <= 65_535);
        if (plan.names === undefined) return;
        assert.doesNotMatch(plan.names.clusterDomain, /^\.|\.$|^$/);
        const owner = whoseName(
          { ...plan.names, subnets: plan.subnets },
          { name: asked, type, class: 1 },
        );
        assert.match(owner, /^(cluster|perhaps|outside)$/);
      } catch (error) {
        assert.ok(error instanceof RootDaemonError && error.code === 'BadDesired', String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

test('a name of dots alone does not take its length squared', () => {
  const dots = `${'.'.repeat(500_000)}x`;
  const dns = { clusterDomain: 'cluster.local', answerSocket: '/a', excludes: [dots, `${dots}..`] };
  const plan = planOf(create(DesiredSchema, { dns }));
  assert.deepEqual([...(plan.names?.excludes ?? [])], ['x']);
});
