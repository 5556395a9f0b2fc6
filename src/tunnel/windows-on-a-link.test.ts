import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playLink } from './simulated-link.fixture.ts';

const seconds = 8;

test('a link that nothing limits but the processor is filled, in its first second too', async () => {
  for (const [stalledShare, firstSecond, later] of [
    [0, 500, 570],
    [0.1, 400, 480],
    [0.3, 280, 330],
  ] as const) {
    const got = await playLink({ mbits: 600, rttMs: 20, stalledShare, seconds });
    const what = `${String(stalledShare)} stalled: ${JSON.stringify(got)}`;
    assert.ok(got.firstSecondMbits >= firstSecond, what);
    assert.ok(got.mbits >= later, what);
    assert.ok(got.queueMs.p99 <= 90, what);
  }
});

test('a narrow link is filled and has a short queue, in its worst moments too', async () => {
  for (const mbits of [20, 50, 200]) {
    for (const stalledShare of [0, 0.05]) {
      const got = await playLink({ mbits, rttMs: 20, stalledShare, seconds });
      const what = `${String(mbits)} Mbit/s, ${String(stalledShare)}: ${JSON.stringify(got)}`;
      assert.ok(got.mbits >= (0.95 - stalledShare) * mbits, what);
      assert.ok(got.queueMs.p50 <= 30, what);
      // A megabyte at first takes long to go away on the slowest.
      assert.ok(got.queueMs.p99 <= (mbits < 50 ? 90 : 65), what);
    }
  }
});

test('near by, the queue is as long as two programs need to take turns', async () => {
  const got = await playLink({ mbits: 600, rttMs: 1, stalledShare: 0.1, seconds });
  assert.ok(got.mbits >= 500, JSON.stringify(got));
  assert.ok(got.queueMs.p99 <= 40, JSON.stringify(got));
});
