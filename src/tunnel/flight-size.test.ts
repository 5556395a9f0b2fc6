import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createFlightSize,
  firstFlightBytes,
  maxFlightBytes,
  minFlightBytes,
} from './flight-size.ts';
import type { FlightSize } from './flight-size.ts';

interface Link {
  readonly mbits: number;
  /** Of a PING while nothing flows. */
  readonly rttMs: number;
  /** What a round trip takes longer while bytes flow, however few. */
  readonly inherentMs?: number;
}

/** Lets bytes flow over a link for a while; returns rate and queue at the end. */
function flow(flight: FlightSize, link: Link, time: { from: number; to: number }) {
  const capacity = link.mbits * 125;
  const empty = link.rttMs + (link.inherentMs ?? 0);
  let end = { bytesPerMs: 0, queueMs: 0 };
  for (let at = time.from; at < time.to; at += 50) {
    const bytesPerMs = Math.min(capacity, flight.bytes / empty);
    const rttMs = Math.max(empty, flight.bytes / capacity);
    flight.sample({ since: at - 50, at, bytesPerMs, rttMs });
    end = { bytesPerMs, queueMs: rttMs - empty };
  }
  return { mbits: end.bytesPerMs / 125, queueMs: end.queueMs };
}

test('a fast and far link is filled within half a second', () => {
  const flight = createFlightSize();
  flight.quiet(20);
  const far = { mbits: 1000, rttMs: 20 };
  const { mbits } = flow(flight, far, { from: 0, to: 500 });
  assert.ok(mbits >= 950, String(mbits));
  // Twice as much was tried, and brought nothing.
  const { queueMs } = flow(flight, far, { from: 500, to: 1000 });
  assert.ok(queueMs <= 25, String(queueMs));
});

test('a slow link is filled, and its queue kept short, for as long as it takes', () => {
  for (const mbits of [20, 50, 100, 300]) {
    const flight = createFlightSize();
    flight.quiet(20);
    const after = flow(flight, { mbits, rttMs: 20 }, { from: 0, to: 900_000 });
    assert.equal(after.mbits, mbits);
    assert.ok(after.queueMs <= 25, `${mbits} Mbit/s: ${after.queueMs} ms`);
  }
});

test('a link that becomes slow has its queue shortened within some seconds', () => {
  const flight = createFlightSize();
  flight.quiet(20);
  flow(flight, { mbits: 1000, rttMs: 20 }, { from: 0, to: 1000 });
  assert.ok(flight.bytes > 3e6);
  const after = flow(flight, { mbits: 50, rttMs: 20 }, { from: 1000, to: 8000 });
  assert.equal(after.mbits, 50);
  assert.ok(after.queueMs <= 25, String(after.queueMs));
});

test('round trips that are long for another reason than a queue do not hold the rate down', () => {
  const flight = createFlightSize();
  flight.quiet(0.3);
  const busy = { mbits: 1000, rttMs: 0.3, inherentMs: 60 };
  const { mbits } = flow(flight, busy, { from: 0, to: 10_000 });
  assert.ok(mbits >= 900, String(mbits));
});

test('whoever sends less than is allowed changes nothing', () => {
  const flight = createFlightSize();
  flight.quiet(20);
  for (let at = 0; at < 60_000; at += 50)
    flight.sample({ since: at - 50, at, bytesPerMs: 1000, rttMs: 20 });
  assert.equal(flight.bytes, firstFlightBytes);
});

test('never below the least, never above the most', () => {
  const slow = createFlightSize();
  slow.quiet(1);
  flow(slow, { mbits: 1, rttMs: 1 }, { from: 0, to: 60_000 });
  assert.equal(slow.bytes, minFlightBytes);
  const fast = createFlightSize();
  fast.quiet(500);
  flow(fast, { mbits: 10_000, rttMs: 500 }, { from: 0, to: 60_000 });
  assert.equal(fast.bytes, maxFlightBytes);
});

test('a longer way is learned once it is quiet', () => {
  const flight = createFlightSize();
  for (let count = 0; count < 6; count += 1) flight.quiet(1);
  flow(flight, { mbits: 1000, rttMs: 1 }, { from: 0, to: 1000 });
  const before = flight.bytes;
  for (let count = 0; count < 6; count += 1) flight.quiet(40);
  flow(flight, { mbits: 1000, rttMs: 40 }, { from: 2000, to: 4000 });
  assert.ok(flight.bytes > 2 * before, `${before} ${flight.bytes}`);
});

test('a sender that pauses while something is tried leaves everything as it was, and is followed later', () => {
  const flight = createFlightSize();
  flight.quiet(20);
  const far = { mbits: 1000, rttMs: 20 };
  flow(flight, far, { from: 0, to: 400 });
  const tried = flight.bytes;
  for (let at = 400; at < 1000; at += 50) {
    flight.sample({ since: at - 50, at, bytesPerMs: 100, rttMs: 20 });
  }
  assert.ok(flight.bytes < tried, String(flight.bytes));
  const after = flow(flight, { mbits: 50, rttMs: 20 }, { from: 1000, to: 8000 });
  assert.ok(after.queueMs <= 25, String(after.queueMs));
});
