/**
 * The walk of the CLI guide (connect, list, intercept, status, leave, quit) against a workload with
 * three replicas and a numeric port, its output compared line by line.
 */
import assert from 'node:assert/strict';
import { hostname, userInfo } from 'node:os';
import { after, before, test } from 'node:test';
import { startEcho } from './echo.ts';
import { prepare } from './prepare.ts';
import { kubectl, onLaptop, telepresence } from './run.ts';

const server = 'https://198.18.0.1:6443';

/** Asks hello from inside the cluster, over as many new connections. */
async function insideHello(times: number): Promise<string[]> {
  const ask = `for i in $(seq ${String(times)}); do timeout 5 wget -qO- http://hello | head -1; done`;
  const shell = ['exec', '-n', 'demo', 'deployment/web', '--', 'sh', '-c', ask];
  return (await kubectl(...shell)).trim().split('\n');
}

/** Lines of the guide with placeholders; `<…>` stands for what differs from machine to machine. */
function assertLines(actual: string, guide: readonly string[]): void {
  const lines = actual.trimEnd().split('\n');
  for (const [index, expected] of guide.entries()) {
    const parts = expected
      .split(/<[^>]*>/)
      .map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
    assert.match(
      lines[index] ?? '',
      new RegExp(`^${parts.join('.+')}$`),
      `line ${String(index + 1)}`,
    );
  }
  assert.equal(lines.length, guide.length, actual);
}

async function quiet(args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await telepresence(args);
  assert.equal(stderr, '', 'nothing on stderr when all is well');
  return stdout;
}

before(prepare);
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
});

test('connect starts both daemons and says where it is connected', async () => {
  assertLines(await quiet(['connect', '--namespace', 'demo']), [
    'Launching Telepresence User Daemon',
    'Launching Telepresence Root Daemon',
    `Connected to context <context>, namespace demo (${server})`,
  ]);
  assert.equal(await quiet(['connect', '--namespace', 'demo']), '', 'a second time it is silent');
});

test('list shows what can be intercepted', async () => {
  const lines = (await quiet(['list'])).trimEnd().split('\n');
  const names = ['graphql', 'hello', 'postgres', 'redis', 'redis-ui', 'web'];
  assert.deepEqual(
    lines.map((line) => line.split(':')[0]?.trimEnd()),
    names,
  );
  for (const line of lines) {
    assert.match(line, /: ready to intercept \(traffic-agent (not yet|already) installed\)$/);
  }
});

test('intercept, with the laptop answering every replica, status, leave', async () => {
  await using echo = await startEcho({ port: 9000, text: 'laptop' });
  assertLines(await quiet(['intercept', 'hello', '--port', '9000:http']), [
    'Using Deployment hello',
    'intercepted',
    '    Intercept name         : hello',
    '    State                  : ACTIVE',
    '    Workload kind          : Deployment',
    '    Destination            : 127.0.0.1:9000',
    '    Service Port Identifier: http',
    '    Volume Mount Point     : <temporary>/telfs-<number>',
    '    Intercepting           : all TCP connections',
  ]);
  assert.deepEqual(new Set(await insideHello(12)), new Set(['laptop']));
  assert.ok(echo.requests >= 12);

  const version = (await quiet(['version'])).split('\n')[0]?.split(':')[1]?.trim() ?? '';
  assertLines(await quiet(['status']), [
    'OSS User Daemon: Running',
    `  Version           : ${version}`,
    '  Executable        : <path>/telepresence',
    '  Install ID        : <uuid>',
    '  Status            : Connected',
    `  Kubernetes server : ${server}`,
    '  Kubernetes context: <context>',
    '  Namespace         : demo',
    '  Manager namespace : ambassador',
    '  Transport         : service-proxy (<rtt> ms)',
    '  Intercepts        : 1 total',
    `    hello: ${userInfo().username}@<laptop>`,
    'OSS Root Daemon: Running',
    `  Version: ${version}`,
    '  DNS    : ',
    '    Remote IP       : 10.96.0.10',
    '    Exclude suffixes: [.com .io .net .org .ru]',
    '    Include suffixes: []',
    '    Timeout         : <seconds>s',
    '  Subnets: (4 subnets)',
    '    - 10.96.0.0/16',
    '    - fd00:10:96::/108',
    '    - 10.244.0.0/24',
    '    - fd00:10:244::/64',
    'OSS Traffic Manager: Connected',
    `  Version      : ${version}`,
    '  Traffic Agent: <image>',
  ]);
  assert.notEqual(hostname(), '');

  const shown = await kubectl('get', 'intercepts,connections', '-A');
  assert.match(shown, /hello-\w{5} +hello +kubernetes-admin +root@\S+ +hello +8080 +Active/);
  assert.match(shown, /root-\S+-\w{5} +kubernetes-admin +root@\S+ +Connected/);

  assert.equal(await quiet(['leave', 'hello']), '');
  for (const line of await insideHello(6)) assert.match(line, /^Request served by hello-/);
});

test('an intercept ends when its object is deleted', async () => {
  await using _echo = await startEcho({ port: 9000, text: 'laptop' });
  await quiet(['intercept', 'hello', '--port', '9000']);
  assert.deepEqual(new Set(await insideHello(3)), new Set(['laptop']));
  await kubectl('delete', 'intercepts', '-n', 'demo', '--all', '--wait');
  for (const line of await insideHello(3)) assert.match(line, /^Request served by hello-/);
  assert.match(await quiet(['status']), /Intercepts +: 0 total/);
});

test('an intercept ends with the command that it was made for, whose status is ours', async () => {
  const told = await telepresence(
    [
      'intercept',
      'graphql',
      '--port',
      '9001',
      '--',
      'sh',
      '-c',
      'echo "$DATABASE_URL"; env | grep ^TELEPRESENCE_; exit 7',
    ],
    { mayFail: true },
  );
  assert.equal(told.status, 7, told.stderr);
  assert.match(
    told.stdout,
    /^postgres:\/\/postgres:[^$]+@postgres:5432\/postgres\?application_name=graphql-/m,
  );
  assert.match(told.stdout, /^TELEPRESENCE_CONTAINER=graphql$/m);
  assert.match(told.stdout, /^TELEPRESENCE_ROOT=/m);
  assert.match(told.stdout, /^TELEPRESENCE_MOUNTS=\/etc\/graphql$/m);
  assert.match(told.stdout, /^TELEPRESENCE_INTERCEPT_ID=.+:graphql$/m);
  assert.match(await quiet(['status']), /Intercepts +: 0 total/);
});

test('mistakes get one clear sentence, the next step, and exit code 1', async () => {
  const mistakes = [
    {
      args: ['intercept', 'nosuch', '--port', '9000'],
      says: /^telepresence intercept: error: .*nosuch/,
    },
    {
      args: ['intercept', 'hello', '--port', '9000:nosuch'],
      says: /^telepresence intercept: error: .*nosuch/,
    },
    { args: ['leave', 'nosuch'], says: /^telepresence leave: error: .*nosuch/ },
    { args: ['intercept', 'hello', '--port', 'x'], says: /^telepresence intercept: error: .*x/ },
    { args: ['nosuch'], says: /^telepresence: error: invalid subcommand "nosuch"/ },
  ];
  for (const { args, says } of mistakes) {
    const { status, stdout, stderr } = await telepresence(args, { mayFail: true });
    assert.equal(status, 1, args.join(' '));
    assert.match(stderr, says);
    assert.equal(stdout, '', args.join(' '));
  }
});

test('quit takes everything back', async () => {
  assert.equal(await quiet(['quit']), 'Disconnected\n');
  assert.equal(await quiet(['quit']), 'Not connected\n');
  assert.equal(
    await quiet(['quit', '-s']),
    'Not connected\nTelepresence Daemons quitting...done\n',
  );
  const { stdout } = await onLaptop([
    'sh',
    '-c',
    'nft --stateless list ruleset; ip route; pgrep -fl daemon.mjs || true',
  ]);
  assert.doesNotMatch(stdout, /telepresence|tel0|daemon/);
  assert.equal((await kubectl('get', 'connections,intercepts', '-A', '--no-headers')).trim(), '');
});
