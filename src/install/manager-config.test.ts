/** The manager's configuration: what is installed is what it reads; anything else is an InstallError. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearlyJson, nearlyText } from '#base/nearly.fixture.ts';
import { InstallError } from './errors.ts';
import { managerConfigFor, parseManagerConfig } from './manager-config.ts';
import { defaultValues, parseValues } from './values.ts';

const context = { namespace: 'ambassador', release: 'traffic-manager', version: '1.2.3' };
const written = JSON.stringify(managerConfigFor(defaultValues(), context));

const duration = fc
  .tuple(fc.constantFrom(0, 1, 90, 2 ** 31, 1e15, Infinity), fc.constantFrom('ms', 's', 'm', 'h'))
  .map(([count, unit]) => `${count === Infinity ? '9'.repeat(400) : String(count)}${unit}`);
const text = fc.oneof(fc.string(), fc.constantFrom('$(A)', '$$', '__proto__', '"', '\u2028'));
const values = fc.record(
  {
    client: fc.record({
      connectionTTL: duration,
      dns: fc.record({
        lookupTimeout: duration,
        excludes: fc.array(text, { maxLength: 3 }),
        mappings: fc.array(fc.record({ name: text, aliasFor: text }), { maxLength: 2 }),
      }),
    }),
    intercept: fc.record({ grace: duration }),
    namespaces: fc.array(fc.constantFrom('a', 'b', 'shop-1'), { maxLength: 3 }),
    agent: fc.record({
      image: fc.record({ registry: text, name: text, tag: text }),
      resources: fc.record({
        limits: fc.dictionary(text, fc.oneof(text, fc.double())),
        requests: fc.constant({}),
      }),
      securityContext: fc.dictionary(text, fc.jsonValue()),
    }),
  },
  { requiredKeys: [] },
);

test('whatever values are accepted, the manager reads what was written of them', () => {
  let accepted = 0;
  fc.assert(
    fc.property(values, (raw) => {
      const parsed = parseValues(raw);
      if (!parsed.ok) return;
      accepted += 1;
      const config = managerConfigFor(parsed.values, context);
      const text = JSON.stringify(config);
      assert.deepEqual(parseManagerConfig(text), JSON.parse(text));
      assert.ok(config.dns.lookupTimeoutMs < 2 ** 31, 'no message has room for it');
      assert.ok(Number.isSafeInteger(config.connectionTtlMs + config.interceptGraceMs));
    }),
    { numRuns: 500 },
  );
  assert.ok(accepted > 50, `only ${String(accepted)} were accepted`);
});

test('anything else is an InstallError that names the variable', () => {
  const changed = nearlyJson([JSON.parse(written)]).map((one) => JSON.stringify(one) ?? '');
  const noise = nearlyText([written], ['{', '}', '"', ',', ':', 'null', '1e999']);
  fc.assert(
    fc.property(fc.oneof(changed, noise, fc.constant(undefined)), (said) => {
      try {
        parseManagerConfig(said);
      } catch (error) {
        assert.ok(error instanceof InstallError, String(error));
        assert.match(error.message, /^TELEPRESENCE_MANAGER_CONFIG (is not \S|[^:]+:)/);
      }
    }),
    { numRuns: 1000 },
  );
  const { outbound: _, ...without } = managerConfigFor(defaultValues(), context);
  assert.throws(() => parseManagerConfig(JSON.stringify(without)), {
    code: 'BadConfig',
    message: /\(outbound: .*\): install the traffic-manager anew/,
  });
});
