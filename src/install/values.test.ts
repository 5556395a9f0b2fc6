import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationMs, parseValues } from './values.ts';

function problems(raw: unknown): readonly string[] {
  const parsed = parseValues(raw);
  assert.ok(!parsed.ok, 'accepted');
  return parsed.problems;
}

test('nothing given is all defaults', () => {
  for (const nothing of [undefined, null, {}]) {
    const parsed = parseValues(nothing);
    assert.ok(parsed.ok);
    assert.equal(parsed.values.apiPort, 10_250);
    assert.equal(parsed.values.agentInjector.webhook.failurePolicy, 'Ignore');
    assert.equal(parsed.values.agentInjector.webhook.timeoutSeconds, 3);
    assert.equal(parsed.values.client.connectionTTL, '24h');
  }
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
});

test('durations', () => {
  assert.equal(durationMs('24h'), 86_400_000);
  assert.equal(durationMs('1h30m'), 5_400_000);
  assert.equal(durationMs('1500ms'), 1500);
});

test('noise is refused with words', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (noise) => {
      const parsed = parseValues(noise);
      if (!parsed.ok) assert.ok(parsed.problems.every((line) => line !== ''));
    }),
  );
});
