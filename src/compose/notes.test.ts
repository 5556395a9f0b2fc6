import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceBehavior } from '#spec/compose-spec.ts';
import { parseComposeDocument, type ComposeDocument } from './document.ts';
import { rewrite, type Rewritten } from './rewrite.ts';

const document = (services: string): ComposeDocument =>
  parseComposeDocument(`
name: shop
services: {${services}}
networks: {default: {name: shop_default}, back: {name: shop_back}}
`);

const rewritten = (
  from: ComposeDocument,
  meant: Readonly<Record<string, ServiceBehavior['behavior']>>,
): Rewritten => {
  const handlers = Object.keys(meant).filter((name) => meant[name] === 'interceptHandler');
  return rewrite(from, {
    behaviors: new Map(Object.entries(meant).map(([name, behavior]) => [name, { behavior }])),
    places: new Map(
      handlers.map((name, at) => [
        name,
        {
          sandbox: 'tp-a',
          environment: {},
          volumes: [],
          labels: at === 0 ? {} : { 'telepresence.connection': 'second' },
        },
      ]),
    ),
    environment: {},
    network: 'telepresence',
    ordersNetworks: true,
    labels: { 'telepresence.handler': 'id', 'telepresence.connection': 'first' },
  });
};

test('a local service that depends on a remote one is told that it does not know its name', () => {
  const from = document(`
    web: {depends_on: {auth: {condition: service_started}}},
    worker: {depends_on: {auth: {condition: service_started}, db: {condition: service_started}}},
    linked: {depends_on: {auth: {condition: service_started}}, links: ["auth"]},
    auth: {}, db: {}`);
  const { notes } = rewritten(from, { web: 'interceptHandler', auth: 'remote' });
  assert.deepEqual(notes, [
    'service linked: the link auth is left out: that service is in the cluster',
    'service worker depends on auth, which is in the cluster and is known to handlers only: make worker an interceptHandler, or auth local, if it is called by that name',
  ]);
});

test('the address of a second handler in one network is not dropped in silence', () => {
  const from = document(`
    web: {networks: {back: {ipv4_address: 10.1.1.5}}},
    admin: {networks: {back: {ipv4_address: 10.1.1.6}}},
    same: {networks: {back: {ipv4_address: 10.1.1.5}}},
    db: {networks: {back: null}}`);
  const { notes } = rewritten(from, {
    web: 'interceptHandler',
    admin: 'interceptHandler',
    same: 'interceptHandler',
  });
  assert.deepEqual(notes, [
    'service admin: its address 10.1.1.6 in the network back is left out: both handlers there have that of web, 10.1.1.5',
  ]);
});

test('each handler bears the label of its own connection, all else that of the first', () => {
  const from = document('web: {networks: {back: null}}, admin: {}, db: {networks: {back: null}}');
  const { document: copy } = rewritten(from, {
    web: 'interceptHandler',
    admin: 'interceptHandler',
  });
  const of = (labels: Readonly<Record<string, unknown>> | undefined): unknown =>
    labels?.['telepresence.connection'];
  assert.equal(of(copy.services['web']?.labels), 'first');
  assert.equal(of(copy.services['admin']?.labels), 'second');
  assert.equal(of(copy.services['db']?.labels), 'first');
  assert.equal(of(copy.networks['back']?.labels), 'first');
});
