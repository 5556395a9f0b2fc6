import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceBehavior } from '#spec/compose-spec.ts';
import { assignServices } from './assign-services.ts';
import { namesFor } from './connection-names.ts';

const document = {
  name: 'shop',
  services: { web: {}, admin: {}, db: {}, auth: {}, login: {} },
  networks: {},
  volumes: {},
};
const one = { name: 'one', connection: { name: 'alpha' } };
const two = { name: 'two', connection: { name: 'beta' } };
const connections = ['alpha', 'beta'];
const handler = (more: Partial<ServiceBehavior> = {}): ServiceBehavior => ({
  behavior: 'interceptHandler',
  ...more,
});
const assign = (meant: Record<string, ServiceBehavior>, intercepts = [one, two]) =>
  assignServices(document, new Map(Object.entries(meant)), { intercepts, connections });

test('all intercepts, those of a connection, or those that are named, in that order', () => {
  assert.deepEqual(assign({ web: handler() }, [one]).assigned.get('web'), [one]);
  const split = assign({
    web: handler({ connection: 'alpha' }),
    admin: handler({ intercepts: ['two'] }),
  });
  assert.deepEqual(split.assigned.get('web'), [one]);
  assert.deepEqual(split.assigned.get('admin'), [two]);
  assert.deepEqual(split.notes, []);
  const three = { name: 'three', connection: one.connection };
  const named = assign({ web: handler({ intercepts: ['three', 'one'] }) }, [one, three]);
  assert.deepEqual(named.assigned.get('web'), [three, one]);
});

test('an intercept that no service handles is named', () => {
  const { notes } = assign({ web: handler({ intercepts: ['one'] }) });
  assert.deepEqual(notes, ['no service handles the intercept two: its requests are refused']);
});

test('a remote service of a connection in which nobody is is named', () => {
  const auth: ServiceBehavior = { behavior: 'remote', connection: 'beta' };
  const { notes } = assign({ web: handler(), auth }, [one]);
  assert.deepEqual(notes, [
    'service auth: nobody here is in the connection beta, and so its name is known to nobody',
  ]);
  const admin = handler({ connection: 'beta' });
  const web = handler({ connection: 'alpha' });
  assert.deepEqual(assign({ web, admin, auth }).notes, []);
});

for (const [meant, message] of [
  [{ web: handler({ connection: 'gamma' }) }, /service web: there is no connection gamma/],
  [{ web: handler({ intercepts: ['three'] }) }, /service web: there is no intercept three/],
  [{ web: handler() }, /service web: its intercepts are of the connections alpha and beta/],
  [{}, /no service of the Compose project shop handles the intercepts one, two/],
] as const) {
  test(`refused: ${JSON.stringify(meant)}`, () => {
    assert.throws(() => assign(meant), message);
  });
}

test('a handler without an intercept is refused', () => {
  const meant = { web: handler({ connection: 'beta' }) };
  assert.throws(() => assign(meant, [one]), /service web is an interceptHandler, and no intercept/);
  assert.throws(() => assign({ web: handler() }, []), /no intercept is for it/);
});

test('each connection answers names as they are meant there', () => {
  const behaviors = new Map<string, ServiceBehavior>([
    ['web', handler()],
    ['admin', handler()],
    ['auth', { behavior: 'remote', mapping: { name: 'sso', namespace: 'sys' } }],
    ['login', { behavior: 'remote', connection: 'beta' }],
  ]);
  const moved = { names: [], networks: [], ports: [] };
  const handlers = [
    {
      service: 'web',
      sandbox: 'tp-alpha',
      names: ['web', 'frontend'],
      inDefault: true,
      moved: {
        ...moved,
        hosts: [
          ['db', '10.0.0.9'],
          ['up', 'host-gateway'],
        ] as const,
      },
    },
    {
      service: 'admin',
      sandbox: 'tp-beta',
      names: ['admin'],
      inDefault: true,
      moved: { ...moved, hosts: [] },
    },
  ];
  const of = {
    document,
    behaviors,
    handlers,
    addressOf: () => '172.30.0.3',
    gateway: '172.17.0.1',
  };
  const alpha = namesFor({ name: 'alpha', sandbox: 'tp-alpha', namespace: 'prod' }, of);
  assert.deepEqual(alpha, {
    outside: [],
    mappings: [
      { name: 'db', aliasFor: '10.0.0.9' },
      { name: 'up', aliasFor: '172.17.0.1' },
      { name: 'auth', aliasFor: 'sso.sys' },
    ],
    fallbacks: [
      { name: 'web', aliasFor: '127.0.0.1' },
      { name: 'frontend', aliasFor: '127.0.0.1' },
      { name: 'admin', aliasFor: '172.30.0.3' },
    ],
  });
  const beta = namesFor({ name: 'beta', sandbox: 'tp-beta', namespace: 'other' }, of);
  assert.deepEqual(beta.outside, ['db']);
  assert.deepEqual(beta.mappings, [
    { name: 'auth', aliasFor: 'sso.sys' },
    { name: 'login', aliasFor: 'login.other' },
  ]);
});
