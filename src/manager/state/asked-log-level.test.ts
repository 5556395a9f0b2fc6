import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogLevel } from '#base/log.ts';
import { askedLogLevel } from './asked-log-level.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const asking = (level: LogLevel, until?: string) => ({
  status: { logLevel: { level, ...(until === undefined ? {} : { until }) } },
});

test('the most talkative level of those whose time is not over', () => {
  assert.equal(askedLogLevel([], now), undefined);
  assert.equal(askedLogLevel([{ status: {} }, asking('error')], now), 'error');
  const debug = asking('debug', '2026-01-01T00:00:01Z');
  assert.equal(askedLogLevel([debug, asking('info')], now), 'debug');
  assert.equal(askedLogLevel([asking('trace', '2025-12-31T23:59:59Z')], now), undefined);
  assert.equal(askedLogLevel([asking('trace', 'soon')], now), undefined);
});
