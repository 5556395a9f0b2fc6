import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependenciesWithout } from './dependencies.ts';

const started = { condition: 'service_started', required: true };
const healthy = { condition: 'service_healthy', required: true };

test('the condition is that of the service that is really waited for', () => {
  const services = { api: { depends_on: { db: healthy } } };
  assert.deepEqual(dependenciesWithout(services, new Set(['api']), { api: started }), {
    db: healthy,
  });
});

test('through several removed services, and around a circle', () => {
  const services = {
    a: { depends_on: { b: healthy, a: started } },
    b: { depends_on: { a: started, c: { ...started, restart: true } } },
  };
  const found = dependenciesWithout(services, new Set(['a', 'b']), { a: healthy });
  assert.deepEqual(found, { c: started });
});

test('of two ways to the same service the stricter one counts', () => {
  const services = { api: { depends_on: { db: healthy } } };
  const removed = new Set(['api']);
  assert.deepEqual(dependenciesWithout(services, removed, { api: started, db: started }), {
    db: healthy,
  });
  assert.deepEqual(dependenciesWithout(services, removed, { db: started, api: started }), {
    db: healthy,
  });
});

test('a way that may be missing leads to what may be missing', () => {
  const services = { api: { depends_on: { db: healthy } } };
  const found = dependenciesWithout(services, new Set(['api']), {
    api: { ...started, required: false },
  });
  assert.deepEqual(found, { db: { ...healthy, required: false } });
});

test('a restart is handed on only where each part of the way does', () => {
  const services = { api: { depends_on: { db: { ...healthy, restart: true } } } };
  const removed = new Set(['api']);
  assert.deepEqual(dependenciesWithout(services, removed, { api: started }), { db: healthy });
  assert.deepEqual(dependenciesWithout(services, removed, { api: { ...started, restart: true } }), {
    db: { ...healthy, restart: true },
  });
});
