/** The commands around the walk of the guide, as a user and as a script runs them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { strFromU8, unzipSync } from 'fflate';
import { parse } from 'yaml';
import { eventually } from './eventually.ts';
import { processesOf, signalDaemon } from './laptop-machine.ts';
import { createNamespace } from './namespace.ts';
import { prepare } from './prepare.ts';
import { kubectl, laptopCommand, onLaptop, telepresence, type RunOptions } from './run.ts';
import { createUser, grantClient } from './user.ts';

const otherNamespace = 'e2e-commands-other';
let folder = '';

/** What a command prints for programs. */
async function json(args: readonly string[], options: RunOptions = {}): Promise<unknown> {
  const told = await telepresence([...args, '--output', 'json'], { mayFail: true, ...options });
  assert.equal(told.stderr, '', args.join(' '));
  return JSON.parse(told.stdout);
}

async function quiet(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout, stderr } = await telepresence(args, options);
  assert.equal(stderr, '', args.join(' '));
  return stdout;
}

async function fails(args: readonly string[], says: RegExp, options: RunOptions = {}) {
  const told = await telepresence(args, { mayFail: true, ...options });
  assert.equal(told.status, 1, args.join(' '));
  assert.match(told.stderr, says);
}

async function connections(): Promise<string> {
  const columns = '-o=custom-columns=USER:.spec.user,NAME:.metadata.name';
  return await kubectl('get', 'connections', '-n', 'demo', '--no-headers', columns);
}

/** `telepresence list`, watching, for programs. */
async function watchList(
  args: readonly string[],
): Promise<{ line(): Promise<unknown> } & AsyncDisposable> {
  const argv = ['telepresence', 'list', ...args, '--output', 'json-stream'];
  const command = await laptopCommand(argv);
  const [file = '', ...words] = command.argv;
  const child = spawn(file, words, { env: command.env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  return {
    async line() {
      const [text] = await once(lines, 'line', { signal: AbortSignal.timeout(20_000) });
      return JSON.parse(String(text));
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

before(async () => {
  await prepare();
  folder = await mkdtemp(join(tmpdir(), 'e2e-commands-'));
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await rm(folder, { recursive: true });
});

test('a daemon that does not run, and typing errors, are said for people and for programs', async () => {
  assert.deepEqual(await json(['status']), {
    user_daemon: {},
    root_daemon: {},
    traffic_manager: {},
  });
  await fails(['list'], /^telepresence list: error: not connected to a cluster\nconnect first: /);
  assert.deepEqual(await json(['list']), {
    cmd: 'list',
    err: 'not connected to a cluster',
    hint: 'connect first: telepresence connect',
  });
  await fails(
    ['lst'],
    /^telepresence: error: invalid subcommand "lst"\ndid you mean: telepresence list\n/,
  );
  await fails(
    ['connect', '--namespce', 'x'],
    /unknown flag: --namespce\ndid you mean: --namespace\n/,
  );
  await fails(['connect', '--mapped-namespaces', 'A b'], /invalid argument "A b" for "--mapped-n/);
  await fails(['connect', '--allow-conflicting-subnets', '10/8'], /"10\/8" .* it is a subnet/);
});

test('connect takes the kubeconfig by standard input, and impersonates whom --as names', async () => {
  const ann = await createUser('commands-ann');
  await using _granted = await grantClient('demo', [ann]);
  const { env } = await laptopCommand([]);
  const input = await readFile(env['KUBECONFIG'] ?? '', 'utf8');
  const as = ['--as', ann.name, '--as-group', 'developers', '--as-user-extra', 'team=blue'];
  // Taken as kubectl takes them; nothing is cached.
  const cache = join(folder, 'cache');
  const without = ['--cache-dir', cache, '--disable-compression'];
  await quiet(['connect', '-n', 'demo', '--kubeconfig', '-', ...as, ...without], { input });
  await assert.rejects(stat(cache), { code: 'ENOENT' });
  assert.match(await connections(), /^commands-ann /);
  await fails(
    ['connect', '-n', 'demo'],
    /error: already connected to context .*, namespace demo\n/,
  );
  await quiet(['quit']);
  await fails(
    ['connect', '-n', 'demo', '--as', 'nobody-at-all'],
    /error: user nobody-at-all may not create, get, .*connections\.intercept\.telepresence\.io in namespace demo/,
  );
});

test('a credential plugin runs with the environment of the shell that connects', async () => {
  const { env } = await laptopCommand([]);
  const admin: unknown = parse(await readFile(env['KUBECONFIG'] ?? '', 'utf8'));
  const plugin = join(folder, 'plugin');
  const user = at(admin, 'users', 0, 'user');
  const answer = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: {
      clientCertificateData: Buffer.from(
        String(at(user, 'client-certificate-data')),
        'base64',
      ).toString(),
      clientKeyData: Buffer.from(String(at(user, 'client-key-data')), 'base64').toString(),
    },
  };
  const script = `#!/bin/sh
[ -n "$SHELL_MARK" ] || { echo "please sign in: cloud login" >&2; exit 3; }
echo "$SHELL_MARK" > ${folder}/mark
cat ${folder}/answer`;
  await writeFile(plugin, script);
  await chmod(plugin, 0o755);
  await writeFile(join(folder, 'answer'), JSON.stringify(answer));
  const exec = {
    apiVersion: answer.apiVersion,
    command: plugin,
    installHint: 'get it from\nthe shop',
  };
  const config = join(folder, 'config');
  const write = async (command: string): Promise<void> => {
    const users = [{ name: at(admin, 'users', 0, 'name'), user: { exec: { ...exec, command } } }];
    await writeFile(config, JSON.stringify({ ...Object(admin), users }));
  };
  await write(plugin);
  const connect = ['connect', '-n', 'demo', '--kubeconfig', config];
  // The daemon runs since the last test, without this variable.
  await fails(connect, /credential plugin .*plugin failed: please sign in: cloud login/);
  await quiet(connect, { env: { SHELL_MARK: 'of this shell' } });
  assert.equal(await readFile(join(folder, 'mark'), 'utf8'), 'of this shell\n');
  await quiet(['quit']);
  await write('no-such-plugin');
  await fails(connect, /credential plugin no-such-plugin is not installed\nget it from\nthe shop/);
});

test('connect -- COMMAND: its status is ours, and killed it leaves no connection', async () => {
  const told = await telepresence(['connect', '-n', 'demo', '--', 'sh', '-c', 'exit 7'], {
    mayFail: true,
  });
  assert.equal(told.status, 7, told.stderr);
  assert.equal((await connections()).trim(), '');
  const command = await laptopCommand([
    'telepresence',
    'connect',
    '-n',
    'demo',
    '--',
    'sleep',
    '300',
  ]);
  const [file = '', ...args] = command.argv;
  const child = spawn(file, args, { env: command.env, stdio: 'ignore' });
  await eventually('connected by the command', 20_000, async () => {
    assert.match(await connections(), /\S/);
  });
  await onLaptop(['pkill', '-KILL', '-f', 'connect -n demo -- sleep 300']);
  await eventually('connection gone with its command', 10_000, async () => {
    assert.equal((await connections()).trim(), '');
  });
  child.kill('SIGKILL');
});

test('list, status, intercept and leave for programs', async () => {
  await quiet(['connect', '-n', 'demo', '--mapped-namespaces', 'demo,default']);
  const listed = await json(['list']);
  assert.deepEqual(at(listed, 'cmd'), 'list');
  assert.ok(JSON.stringify(listed).includes('"name":"hello"'));
  assert.equal(at(listed, 'stdout', 1, 'workload_resource_type'), 'Deployment');
  assert.match(await quiet(['list', '-n', 'ambassador']), /^traffic-manager: /);

  // Another namespace, as the user's own rights show it.
  {
    await using _made = await createNamespace(otherNamespace);
    await using elsewhere = await watchList(['-n', otherNamespace]);
    assert.deepEqual(await elsewhere.line(), []);
    const next = elsewhere.line();
    await kubectl(
      'create',
      'deployment',
      'idle',
      '-n',
      otherNamespace,
      '--image=x',
      '--replicas=0',
    );
    assert.equal(at(await next, 0, 'name'), 'idle');
  }
  await fails(['list', '-w', '-n', 'no-such'], /namespace no-such does not exist/);

  await using watching = await watchList(['-i']);
  assert.deepEqual(await watching.line(), []);
  const next = watching.line();
  const sh = join(folder, 'graphql.sh');
  const flags = ['-p', '9000', '--env-file', sh, '--env-syntax', 'sh:export', '--detailed-output'];
  const made = await json(['intercept', 'graphql', ...flags]);
  assert.partialDeepStrictEqual(made, {
    name: 'graphql',
    disposition: 'ACTIVE',
    workload_kind: 'Deployment',
    target_host: '127.0.0.1',
    target_port: 9000,
    filter_desc: 'all TCP connections',
  });
  assert.equal(at(await next, 0, 'name'), 'graphql');
  const sourced = await onLaptop(['sh', '-c', `. ${sh}; printf %s "$TELEPRESENCE_CONTAINER"`]);
  assert.equal(sourced.stdout, at(made, 'environment', 'TELEPRESENCE_CONTAINER'));

  const status = await json(['status']);
  assert.partialDeepStrictEqual(status, {
    user_daemon: {
      running: true,
      name: 'OSS User Daemon',
      status: 'Connected',
      namespace: 'demo',
      manager_namespace: 'ambassador',
      mapped_namespaces: ['demo', 'default'],
      transport: 'service-proxy',
      intercepts: [{ name: 'graphql', state: 'ACTIVE' }],
    },
    root_daemon: {
      running: true,
      dns: { remote_ip: '10.96.0.10' },
      subnets: ['10.96.0.0/16', 'fd00:10:96::/108', '10.244.0.0/24', 'fd00:10:244::/64'],
    },
    traffic_manager: { name: 'OSS Traffic Manager' },
  });
  const yaml: unknown = parse(await quiet(['status', '--output', 'yaml']));
  assert.equal(at(yaml, 'user_daemon', 'namespace'), 'demo');
  assert.equal((await telepresence(['leave', 'graphql', '--output', 'json'])).stdout, '');
  await fails(
    ['quit', '--use', 'gone'],
    /no connection is called gone: \S+ \(\S+, namespace demo\)/,
  );
  assert.match(await quiet(['list', '--use', '^kubernetes-admin']), /^hello/m);
});

test('loglevel reaches daemons, traffic-manager and agents at once', async () => {
  await quiet(['loglevel', 'debug', '-d', '5m']);
  const changed = /"log level changed".*"to":"debug"/;
  await eventually('level of the manager', 10_000, async () => {
    const text = await kubectl(
      '-n',
      'ambassador',
      'logs',
      'deployment/traffic-manager',
      '--tail=200',
    );
    assert.match(text, changed);
    assert.match(text, /"log level changed","program":"relay","to":"debug"/);
  });
  await eventually('level of an agent', 10_000, async () => {
    const agent = ['deployment/graphql', '-c', 'traffic-agent', '--tail=50'];
    assert.match(await kubectl('-n', 'demo', 'logs', ...agent), changed);
  });
  await fails(['loglevel', 'loud'], /invalid level "loud": one of error, warning/);
});

test('gather-logs has every log, anonymous where asked, and names what it has not', async () => {
  const path = join(folder, 'logs.zip');
  await quiet(['gather-logs', '-y', '-o', path]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const files = unzipSync(await readFile(path));
  const names = Object.keys(files).join('\n');
  assert.match(names, /^connector\.log$/m);
  assert.match(names, /^daemon\.log$/m);
  assert.match(names, /^traffic-manager-\S+\.ambassador\.log$/m);
  assert.match(names, /^graphql-\S+\.demo\.log$/m);
  assert.match(names, /^graphql-\S+\.demo\.yaml$/m);
  const own = strFromU8(files['connector.log'] ?? new Uint8Array());
  assert.match(own, /"event":"connected"/);
  assert.doesNotMatch(own, /BEGIN .*PRIVATE KEY|Bearer /);

  const hidden = [
    'gather-logs',
    '-a',
    '-o',
    path,
    '--daemons',
    'None',
    '--traffic-agents',
    'nosuch',
  ];
  const told = await telepresence(hidden);
  assert.match(
    told.stderr,
    /warning: traffic-agents: no pods with a traffic-agent in namespace demo/,
  );
  const hiddenFiles = unzipSync(await readFile(path));
  assert.match(
    Object.keys(hiddenFiles).join('\n'),
    /^pod-1\.namespace-1\.log\n(?:.*\n)?traffic-agents\.missing\.txt$/,
  );
});

test('uninstall takes an agent out, and says whose it cannot', async () => {
  assert.equal(await quiet(['uninstall', 'graphql']), 'graphql: traffic-agent uninstalled\n');
  const template = [
    'get',
    'deployment',
    'graphql',
    '-n',
    'demo',
    '-o',
    'jsonpath={.spec.template}',
  ];
  assert.doesNotMatch(await kubectl(...template), /intercept\.telepresence\.io\/traffic-agent/);
  await fails(['uninstall', '--agent', 'nosuch'], /there is no workload nosuch in namespace demo/);
});

test('a killed root daemon is told of, and connect brings it back', async () => {
  await signalDaemon('root-daemon', 'KILL');
  await eventually('status tells of it', 5000, async () => {
    const told = await quiet(['status']);
    assert.match(
      told,
      /OSS Root Daemon: Not running\n(?: .*\n)* {2}Next step: telepresence connect\n/,
    );
  });
  assert.equal(await quiet(['connect', '-n', 'demo']), 'Launching Telepresence Root Daemon\n');
  assert.match(await quiet(['status']), /OSS Root Daemon: Running\n/);
  assert.equal((await processesOf('root-daemon')).length, 1);
});

test('contexts, namespaces, configuration, completion', async () => {
  assert.match(await quiet(['list-contexts']), /^- name: \S+ \(current\)\n {2}default namespace: /);
  assert.match(await quiet(['list-namespaces']), /^demo$/m);
  assert.partialDeepStrictEqual(at(await json(['list-namespaces']), 'stdout'), ['ambassador']);
  const config: unknown = parse(await quiet(['config', 'view']));
  assert.equal(at(config, 'cluster', 'defaultManagerNamespace'), 'ambassador');
  const complete = `source <(telepresence completion bash)
    try() { COMP_LINE=$1 COMP_POINT=\${#1}; _telepresence; echo "\${COMPREPLY[*]}"; }
    try "telepresence lis"; try "telepresence intercept --env-s"; try "telepresence connect -n de"`;
  const { stdout } = await onLaptop(['bash', '-c', complete]);
  assert.deepEqual(stdout.trim().split('\n'), [
    'list list-contexts list-namespaces',
    '--env-syntax',
    'default demo deny-egress',
  ]);
});

test('intercept without connect connects, and warns that this will end', async () => {
  await quiet(['quit']);
  const told = await telepresence(['intercept', 'nosuch', '-p', '9000'], { mayFail: true });
  assert.match(
    told.stderr,
    /^Warning: You are executing the "telepresence intercept" command without/,
  );
  assert.match(told.stdout, /^Connected to context /);
  assert.match(
    await quiet(['quit', '-s']),
    /^Disconnected\nTelepresence Daemons quitting\.\.\.done\n$/,
  );
});

/** What is at this place of a parsed document. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((found, key) => {
    if (typeof found !== 'object' || found === null) return undefined;
    return Reflect.get(found, key);
  }, value);
}
