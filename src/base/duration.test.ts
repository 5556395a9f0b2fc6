import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationMs } from './duration.ts';
import { nearlyText } from './nearly.fixture.ts';

test('what Go would say is read as it is', () => {
  const parts = fc.tuple(fc.nat(999), fc.nat(59), fc.nat(59), fc.nat(999));
  fc.assert(
    fc.property(parts, ([h, m, s, ms]) => {
      const text = `${String(h)}h${String(m)}m${String(s)}s${String(ms)}ms`;
      assert.equal(durationMs(text), h * 3_600_000 + m * 60_000 + s * 1000 + ms);
    }),
  );
});

test('whatever is typed is a number of milliseconds or nothing, at once', () => {
  const signs = ['h', 'm', 's', 'ms', '.', '-', '1', '9'.repeat(400), 'e', '∞'];
  fc.assert(
    fc.property(nearlyText(['1h30m', '0', '1.5s', '20ms'], signs), (text) => {
      const ms = durationMs(text);
      assert.ok(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0));
    }),
    { numRuns: 1000 },
  );
  assert.equal(durationMs(`${'9'.repeat(400)}h`), undefined);
  assert.equal(durationMs('2562048h'), undefined);
  assert.equal(durationMs('2562047h'), 2_562_047 * 3_600_000);
  assert.equal(durationMs('1'.repeat(100_000)), undefined);
});
