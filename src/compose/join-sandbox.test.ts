import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachments } from './attachments.ts';
import { readBehaviors } from './behaviors.ts';
import { parseComposeDocument, type Service } from './document.ts';
import { joinSandbox } from './join-sandbox.ts';
import { namesOfOthers } from './known-names.ts';
import { publishedPorts, refuseSamePort } from './published.ts';
import { rewrite } from './rewrite.ts';

const of = { name: 'web', sandbox: 'tp-a' };

test('ports as docker run takes them', () => {
  const ports = [
    { target: 80, published: '8080', protocol: 'tcp' },
    { target: 53, published: '5300', protocol: 'udp', host_ip: '127.0.0.1' },
    { target: 80, published: '8000-8010', host_ip: '::1' },
    { target: 90, host_ip: '127.0.0.1' },
    { target: 3000 },
  ];
  assert.deepEqual(
    publishedPorts({ ports }).map(({ publish }) => publish),
    [
      '8080:80/tcp',
      '127.0.0.1:5300:53/udp',
      '[::1]:8000-8010:80/tcp',
      '127.0.0.1::90/tcp',
      '3000/tcp',
    ],
  );
});

test('two handlers of one network cannot have the same port; of two networks they can', () => {
  const one = { service: 'a', sandbox: 's', targets: ['80/tcp', '80/tcp'] };
  refuseSamePort([one, { ...one, service: 'b', targets: ['80/udp'] }]);
  refuseSamePort([one, { ...one, service: 'b', sandbox: 't' }]);
  assert.throws(
    () => refuseSamePort([one, { ...one, service: 'b' }]),
    /services a and b both have port 80\/tcp/,
  );
});

test('what a handler cannot have is named, and what to do instead', () => {
  const service: Service = {
    dns: ['1.1.1.1'],
    links: ['db', 'db:database'],
    network_mode: 'host',
    expose: ['80'],
    cap_add: ['NET_ADMIN'],
  };
  const joined = joinSandbox(service, of);
  assert.deepEqual(joined.service, { cap_add: ['NET_ADMIN'], network_mode: 'container:tp-a' });
  assert.equal(joined.notes.length, 3);
  assert.match(joined.notes[0] ?? '', /service web: dns is left out/);
  assert.match(joined.notes[1] ?? '', /link's name database is not known to a handler: call it db/);
  assert.match(joined.notes[2] ?? '', /network_mode host is replaced/);
});

for (const service of [{ scale: 2 }, { deploy: { replicas: 3 } }, { scale: 0 }]) {
  test(`refused: ${JSON.stringify(service)}`, () => {
    assert.throws(
      () => joinSandbox(service, of),
      /service web: there are to be \d of it, and a handler is one/,
    );
  });
}

test('hosts in every way that they are written', () => {
  const lines = [
    'a=1.2.3.4',
    'b:1.2.3.4',
    'c=::1',
    'd:[fe80::1]',
    'host.docker.internal=host-gateway',
  ];
  assert.deepEqual(joinSandbox({ extra_hosts: lines }, of).moved.hosts, [
    ['a', '1.2.3.4'],
    ['b', '1.2.3.4'],
    ['c', '::1'],
    ['d', 'fe80::1'],
    ['host.docker.internal', 'host-gateway'],
  ]);
  const map = { a: '1.2.3.4', b: ['1.1.1.1', '::1'] };
  assert.deepEqual(joinSandbox({ extra_hosts: map }, of).moved.hosts, [
    ['a', '1.2.3.4'],
    ['b', '1.1.1.1'],
    ['b', '::1'],
  ]);
});

const project = parseComposeDocument(`
name: echo
services:
  web:
    networks: {default: null, green: {aliases: [w]}, red: null, shared: {ipv4_address: 10.1.0.9}, own: null}
    hostname: webhost
    x-telepresence: {behavior: interceptHandler}
  second: {networks: {green: null}, container_name: number-two, x-telepresence: {behavior: interceptHandler}}
  db: {networks: {default: null, green: {aliases: [pg]}}, container_name: the-db}
  old: {networks: {red: null}, network_mode: 'service:db', x-telepresence: {behavior: remote}}
  auth: {networks: {default: null}, x-telepresence: {behavior: remote, mapping: {name: login, namespace: sys}}}
networks:
  default: {name: echo_default}
  green: {name: echo_green}
  red: {name: echo_red}
  shared: {name: company, external: true}
  own: {name: telepresence, external: true}
`);
const behaviors = readBehaviors(project, []);
const place = { sandbox: 'tp-a', environment: {}, volumes: [] };
const facts = {
  behaviors,
  places: new Map([
    ['web', place],
    ['second', place],
  ]),
  environment: {},
  network: 'telepresence',
  ordersNetworks: false,
  labels: { mine: '1' },
};

test('the daemon’s container is in the networks that somebody else is in, under the handlers’ names', () => {
  const { document, handlers } = rewrite(project, facts);
  assert.deepEqual(attachments(document, handlers, 'telepresence'), [
    {
      sandbox: 'tp-a',
      network: 'telepresence-echo_green',
      aliases: ['web', 'w', 'webhost', 'second', 'number-two'],
      address: undefined,
      address6: undefined,
    },
    {
      sandbox: 'tp-a',
      network: 'company',
      aliases: ['web', 'w', 'webhost'],
      address: '10.1.0.9',
      address6: undefined,
    },
  ]);
  assert.deepEqual(document.networks['default'], { name: 'telepresence', external: true });
  assert.deepEqual(document.networks['green'], {
    name: 'telepresence-echo_green',
    labels: { mine: '1' },
  });
  assert.deepEqual(document.networks['shared'], { name: 'company', external: true });
});

test('where Docker can be told the order of networks, they keep their names', () => {
  const { document, handlers } = rewrite(project, { ...facts, ordersNetworks: true });
  const joined = attachments(document, handlers, 'telepresence').map(({ network }) => network);
  assert.deepEqual(joined, ['echo_green', 'company']);
});

test('names of local services are Docker’s, those of remote ones the cluster’s', () => {
  assert.deepEqual(namesOfOthers(project, behaviors, 'prod'), {
    outside: ['db', 'pg', 'the-db'],
    mappings: [
      { name: 'old', aliasFor: 'old.prod' },
      { name: 'auth', aliasFor: 'login.sys' },
    ],
  });
});

test('who shares something of a remote service cannot run', () => {
  const document = parseComposeDocument(
    'name: p\nservices:\n  a: {network_mode: "service:b"}\n  b: {x-telepresence: {behavior: remote}}\n',
  );
  const meant = readBehaviors(document, []);
  assert.throws(
    () => rewrite(document, { ...facts, behaviors: meant }),
    /service a: network_mode is of b, which is remote/,
  );
});
