import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ComposeHandler } from '#spec/handler-spec.ts';
import { scriptDocker } from '../handler/script-docker.fixture.ts';
import { recordingContext } from '../testing.fixture.ts';
import { composeCopy } from './dry-run.ts';

const config = `
name: shop
services:
  web: {image: a, ports: [{target: 80, published: "8080"}], networks: {default: null}, x-telepresence: {behavior: interceptHandler}}
  admin: {image: a, networks: {default: null}, x-telepresence: {behavior: interceptHandler, connection: beta}}
  auth: {image: b, x-telepresence: {behavior: remote, mapping: {name: login}}}
  db: {image: c, networks: {default: null}}
networks: {default: {name: shop_default}}
`;

const handler: ComposeHandler = {
  kind: 'compose',
  name: 'shop',
  environment: [{ name: 'GREETING', value: 'hello' }],
  compose: {
    spec: {},
    services: [{ name: 'web', behavior: 'interceptHandler', connection: 'alpha' }],
  },
  ports: [],
  options: [],
  args: [],
};

test('the copy is shown with what is done beside it, for the connections that are used', async () => {
  await using one = await scriptDocker(`
case "$*" in
  "compose version"*) echo 2.26.1;;
  compose*config*) cat <<'END'
${config}
END
;;
  *) echo 1.41;;
esac`);
  const { context } = recordingContext();
  const cli = { ...context, env: { PATH: one.docker.env['PATH'], HERE: one.directory } };
  const place = (name: string) => ({
    name,
    connection: `${name}-context`,
    sandbox: `tp-${name}`,
    namespace: 'ns',
  });
  const shown = await composeCopy(cli, {
    handler,
    base: one.directory,
    directory: one.directory,
    places: ['unused', 'alpha', 'beta'].map(place),
    intercepts: [
      { name: 'shop', workload: 'shop-app', connection: { name: 'alpha' } },
      { name: 'admin', workload: 'admin-app', connection: { name: 'beta' } },
    ],
  });
  const said = shown.split('\n').filter((line) => line.startsWith('#'));
  assert.deepEqual(said, [
    '# handler shop',
    '# web gets environment and volumes of shop-app once intercepted',
    '# admin gets environment and volumes of admin-app once intercepted',
    '# port 8080:80/tcp of web is published by a container beside it',
    '# tp-alpha: the name auth is login.ns',
    '# tp-beta: the name auth is login.ns',
  ]);
  const { services } = parse(shown);
  assert.deepEqual(Object.keys(services), ['web', 'admin', 'db']);
  const labelled = Object.entries(services).map(([name, service]) => {
    assert.ok(typeof service === 'object' && service !== null && 'labels' in service);
    return [name, Object(service.labels)['telepresence.connection']];
  });
  assert.deepEqual(Object.fromEntries(labelled), {
    web: 'alpha-context',
    admin: 'beta-context',
    db: 'alpha-context',
  });
  assert.equal(services.web.network_mode, 'container:tp-alpha');
  assert.deepEqual(services.web.environment, { GREETING: 'hello' });
});
