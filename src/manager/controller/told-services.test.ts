import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceFacts } from '../state/service-info.ts';
import { createToldServices } from './told-services.ts';

const port = { name: 'http', port: 80, protocol: 'TCP', ready: true };
const facts = (namespace: string, name: string, ...addresses: readonly string[]): ServiceFacts => ({
  namespace,
  name,
  addresses,
  ports: [port],
  endpointAddresses: ['10.244.0.9'],
  externalName: 'secret.example.com',
});
const open = new Set(['shop']);
const isOpen = (name: string): boolean => open.has(name);

test('a Service of a closed namespace is an address and ports, without any name', () => {
  const told = createToldServices({ isOpen, addresses: true });
  const own = facts('shop', 'db', '10.96.0.1');
  const other = facts('vault', 'keys', '10.96.0.2');
  const { changed, removed } = told.tell({ changed: [own, other], removed: [] });
  assert.deepEqual(changed, [
    own,
    {
      namespace: '',
      name: '10.96.0.2',
      addresses: ['10.96.0.2'],
      ports: [{ ...port, name: '' }],
      endpointAddresses: [],
      externalName: '',
    },
  ]);
  assert.doesNotMatch(JSON.stringify(changed[1]), /vault|keys|secret/);
  assert.deepEqual(removed, []);
  // Another one gets its address.
  const heir = facts('vault', 'heir', '10.96.0.2');
  assert.deepEqual(told.tell({ changed: [heir], removed: ['vault/keys'] }).removed, []);
  assert.deepEqual(told.tell({ changed: [], removed: ['vault/heir', 'shop/db'] }), {
    changed: [],
    removed: ['/10.96.0.2', 'shop/db'],
  });
});

test('a headless one is not told at all; where others may not be dialled, none is', () => {
  const headless = { changed: [facts('vault', 'keys')], removed: [] };
  assert.deepEqual(createToldServices({ isOpen, addresses: true }).tell(headless).changed, []);
  const others = { changed: [facts('vault', 'keys', '10.96.0.2')], removed: [] };
  const told = createToldServices({ isOpen, addresses: false });
  assert.deepEqual(told.tell(others), { changed: [], removed: [] });
  assert.deepEqual(told.tell({ changed: [], removed: ['vault/keys'] }).removed, []);
});

test('what becomes open is told with its name, and its address alone no more', () => {
  const now = new Set<string>();
  const told = createToldServices({ isOpen: (name) => now.has(name), addresses: true });
  const one = facts('fresh', 'db', '10.96.0.1');
  told.tell({ changed: [one], removed: [] });
  now.add('fresh');
  assert.deepEqual(told.tell({ changed: [one], removed: [] }), {
    changed: [one],
    removed: ['/10.96.0.1'],
  });
});
