import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { peerValues } from './peer-values.ts';
import { claimedNamespaces, coalesce, defaultValues, parseValues } from './values.ts';
import type { Values } from './values.ts';

function problems(raw: unknown): readonly string[] {
  const parsed = parseValues(raw);
  assert.ok(!parsed.ok, 'accepted');
  return parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

function valuesOf(raw: unknown): Values {
  const parsed = parseValues(raw);
  assert.ok(parsed.ok, 'refused');
  return parsed.values;
}

test('nothing given is all defaults', () => {
  for (const nothing of [undefined, null, {}, { global: {} }]) {
    assert.deepEqual(valuesOf(nothing), defaultValues());
  }
  const values = defaultValues();
  assert.equal(values.apiPort, 10_250);
  assert.equal(values.agentInjector.webhook.failurePolicy, 'Ignore');
  assert.equal(values.agentInjector.webhook.timeoutSeconds, 3);
  assert.equal(values.client.connectionTTL, '24h');
});

test('unknown values are named, all of them', () => {
  assert.deepEqual(problems({ imagee: {}, agent: { image: { tagg: 'x' } } }), [
    'agent.image.tagg: there is no such value',
    'imagee: there is no such value',
  ]);
});

test('wrong values are named with what is wrong', () => {
  assert.match(problems({ apiPort: 0 })[0] ?? '', /^apiPort: /);
  assert.match(problems({ podCIDRs: ['10.0.0.0/99'] })[0] ?? '', /^podCIDRs\.0: not a subnet/);
  assert.match(
    problems({ client: { connectionTTL: 'soon' } })[0] ?? '',
    /^client\.connectionTTL: not a duration/,
  );
  assert.match(
    problems({ agentInjector: { webhook: { failurePolicy: 'Maybe' } } })[0] ?? '',
    /^agentInjector\.webhook\.failurePolicy: /,
  );
  assert.match(problems({ podLabels: { a: 5 } })[0] ?? '', /^podLabels\.a: .*--set-string/);
  assert.match(problems({ agent: 5 })[0] ?? '', /^agent: /);
  assert.match(problems([])[0] ?? '', /values have keys/);
});

test('what cannot go together is said', () => {
  assert.match(problems({ managerRbac: { namespaced: true } })[0] ?? '', /managerRbac\.namespaces/);
  assert.match(problems({ clientRbac: { namespaced: true } })[0] ?? '', /clientRbac\.namespaces/);
  assert.match(problems({ hostNetwork: true })[0] ?? '', /^apiPort: .*kubelet/);
  valuesOf({ hostNetwork: true, apiPort: 10_260 });
});

test('maps are merged, lists replaced, and null takes away', () => {
  const { resources } = valuesOf({ resources: { requests: { cpu: '1' } } });
  assert.deepEqual(resources, { requests: { cpu: '1', memory: '128Mi' }, limits: {} });
  const less = valuesOf({ agent: { resources: { limits: { cpu: null } } } });
  assert.deepEqual(less.agent.resources.limits, { memory: '256Mi' });
  assert.deepEqual(valuesOf({ resources: null }).resources, { requests: {}, limits: {} });
  assert.deepEqual(valuesOf({ client: { dns: { excludeSuffixes: null } } }).client.dns, {
    excludeSuffixes: [],
    includeSuffixes: [],
    excludes: [],
    mappings: [],
    lookupTimeout: '4s',
  });
  assert.equal(valuesOf({ logLevel: null }).logLevel, 'info');
  assert.deepEqual(coalesce({ a: { b: 1, c: 2 }, l: [1] }, { a: { b: 3 }, l: [2] }), {
    a: { b: 3, c: 2 },
    l: [2],
  });
});

test('which namespaces a manager claims', () => {
  assert.equal(claimedNamespaces(defaultValues()), undefined);
  assert.equal(claimedNamespaces(valuesOf({ managerRbac: { namespaces: ['a'] } })), undefined);
  const managerRbac = { namespaced: true, namespaces: ['b', 'a'] };
  assert.deepEqual(claimedNamespaces(valuesOf({ managerRbac })), ['a', 'b']);
  assert.deepEqual(claimedNamespaces(valuesOf({ managerRbac, namespaces: ['c', 'a'] })), [
    'a',
    'b',
    'c',
  ]);
});

test('values of the peer’s chart are taken with a note, or refused with the reason', () => {
  const parsed = parseValues({
    isCI: true,
    hooks: { podSecurityContext: {} },
    grpc: { maxReceiveSize: '10Mi' },
    agentInjector: { certificate: { regenerate: true, method: 'helm' } },
    prometheus: { port: 0 },
  });
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.values, defaultValues());
  assert.equal(parsed.notes.length, 6);
  assert.ok(parsed.notes.every((note) => /^\S+ has no effect: ./.test(note)));
  assert.deepEqual(problems({ prometheus: { port: 9090 } }), [
    'prometheus.port: not supported: the manager exports no metrics yet',
  ]);
  assert.deepEqual(problems({ agentInjector: { certificate: { nonsense: 1 } } }), [
    'agentInjector.certificate: there is no such value',
  ]);
  for (const { path, only } of peerValues) {
    let given: unknown = only === undefined ? { anything: 1 } : only[0];
    for (const step of path.split('.').toReversed()) given = { [step]: given };
    assert.ok(parseValues(given).ok, path);
  }
});

test('a duration or a quantity that is none is refused, however long it is', () => {
  for (const connectionTTL of ['24h', '1h30m', '1500ms']) valuesOf({ client: { connectionTTL } });
  for (const connectionTTL of ['1d', '', '-1s', `${'9'.repeat(400)}h`, '300000000h']) {
    assert.match(problems({ client: { connectionTTL } })[0] ?? '', /connectionTTL: not a duration/);
  }
  for (const cpu of [Infinity, -Infinity, Number.NaN]) {
    assert.match(problems({ agent: { resources: { limits: { cpu } } } })[0] ?? '', /limits\.cpu/);
  }
});

test('noise is refused with words', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (noise) => {
      const parsed = parseValues(noise);
      if (!parsed.ok) assert.ok(parsed.problems.every(({ message }) => message !== ''));
    }),
  );
});
