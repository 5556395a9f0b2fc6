/**
 * Statements of the CLI guide that no other file runs, against workloads as their authors write them:
 * ports, Services, addresses, sidecars, and what has no Service at all.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { group } from '#protocol/resources.ts';
import { ask } from './device/asking.ts';
import { startEcho } from './echo.ts';
import { eventually } from './eventually.ts';
import { startHandler, type Handler } from './handler.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startUdpEcho } from './udp-echo.ts';

const namespace = 'e2e-guide';
const elsewhere = 'e2e-guide-other';
const annotation = 'telepresence.getambassador.io/inject-container-ports';
const resources = new AsyncDisposableStack();
let handler: Handler;

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  resources.use(await createNamespace(elsewhere));
  handler = resources.use(await startHandler('laptop'));
  const of = { namespace };
  const http = { name: 'http', port: 80, targetPort: 'http' };
  const twoPorts = [http, { name: 'grpc', port: 8081, targetPort: 8081 }];
  await apply(
    [
      idlePod(namespace, 'client'),
      helloApp({ ...of, name: 'multi-echo', services: { 'multi-echo': twoPorts } }),
      helloApp({
        ...of,
        name: 'same-target',
        services: {
          'same-target': [http, { name: 'old', port: 8000, targetPort: 8080 }],
        },
      }),
      helloApp({ ...of, name: 'undeclared', declared: false }),
      helloApp({ ...of, name: 'side', sidecar: true }),
      helloApp({
        ...of,
        name: 'echo-rollout-x2v9',
        kind: 'ReplicaSet',
        services: { 'echo-stable': [http], 'echo-canary': [http] },
      }),
      helloApp({
        ...of,
        name: 'echo-no-svc',
        services: {},
        annotations: { [annotation]: 'http, 8081/TCP, 5353/UDP' },
      }),
      helloApp({
        ...of,
        name: 'named-pods',
        headless: true,
        services: { nodes: [{ port: 8080, targetPort: 8080 }] },
        pod: { hostname: 'first', subdomain: 'nodes' },
      }),
      helloApp({ namespace: elsewhere, name: 'hello' }),
    ].join('\n---\n'),
  );
  await Promise.all([rollOut(namespace), rollOut(elsewhere)]);
  await readyPod(namespace, 'client');
  await telepresence(['connect', '--namespace', namespace]);
});
afterEach(async () => {
  for (const where of [namespace, elsewhere]) {
    await kubectl('delete', '-n', where, `intercepts.${group}`, '--all', '--wait');
  }
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

/** What a pod of the cluster is answered. */
async function inside(url: string): Promise<string> {
  const wget = `timeout 5 wget -qO- ${url} || echo failed`;
  return (await kubectl('exec', '-n', namespace, 'client', '--', 'sh', '-c', wget)).trim();
}

async function curl(url: string): Promise<string> {
  const command = ['curl', '-sS', '--max-time', '5', url];
  return (await onLaptop(command, { mayFail: true })).stdout.trim();
}

async function intercept(...args: readonly string[]): Promise<string> {
  const told = await telepresence(['intercept', ...args], { deadlineMs: 90_000 });
  assert.equal(told.stderr, '');
  return told.stdout;
}

async function refused(args: readonly string[], says: RegExp): Promise<void> {
  const { status, stdout, stderr } = await telepresence(['intercept', ...args], { mayFail: true });
  assert.match(stderr, says);
  assert.equal(status, 1);
  assert.equal(stdout, '');
}

/** What `intercept` prints, without what volumes add to it. */
function block(stdout: string): string[] {
  return stdout
    .trimEnd()
    .split('\n')
    .filter((line) => !line.includes('Volume Mount'))
    .map((line) => line.replace(/ +: /, ': '));
}

const port = (): string => String(handler.port);

test('two ports of one workload by --workload, with --mechanism tcp; one laptop port serves one', async () => {
  await using _grpc = await startEcho({ port: 8443, text: 'grpc' });
  const http = ['multi-echo-http', '--workload', 'multi-echo', '--port', `${port()}:http`];
  assert.deepEqual(block(await intercept(...http)), [
    'Using Deployment multi-echo',
    'intercepted',
    '    Intercept name: multi-echo-http',
    '    State: ACTIVE',
    '    Workload kind: Deployment',
    `    Destination: 127.0.0.1:${port()}`,
    '    Service Port Identifier: http',
    '    Intercepting: all TCP connections',
  ]);
  const second = ['multi-echo-grpc', '--workload', 'multi-echo', '--mechanism', 'tcp'];
  // As scripts of its first years have it.
  second.push('--preview-url=false');
  await refused(
    [...second, '--port', `${port()}:grpc`],
    /port \d+ of this machine already serves the intercept multi-echo-http\n.*telepresence leave multi-echo-http/,
  );
  const stdout = await intercept(...second, '--port', '8443:grpc');
  assert.match(stdout, /^ +Destination +: 127\.0\.0\.1:8443\n +Service Port Identifier: grpc$/m);
  assert.equal(await inside('http://multi-echo'), 'laptop');
  assert.equal(await inside('http://multi-echo:8081'), 'grpc');
  await refused([...second, '--preview-url', '--port', '8443:grpc'], /no preview links/);
  await refused([...second, '--mechanism', 'http', '--port', '8443:grpc'], /there is only tcp/);
});

test('one target port behind two ports of a Service: both are meant, and have one owner', async () => {
  await intercept('same-target', '--port', `${port()}:old`);
  assert.equal(await inside('http://same-target:8000'), 'laptop');
  assert.equal(await inside('http://same-target'), 'laptop');
  await refused(
    ['again', '--workload', 'same-target', '--port', '9001:http'],
    /port 8080 of Deployment same-target is intercepted by your intercept same-target\n/,
  );
});

test('without --port the laptop answers on 8080; a port that no container declares', async () => {
  await using _echo = await startEcho({ port: 8080, text: 'eighty-eighty' });
  assert.match(await intercept('undeclared'), /^ +Destination +: 127\.0\.0\.1:8080$/m);
  assert.equal(await inside('http://undeclared'), 'eighty-eighty');
  await telepresence(['leave', 'undeclared']);
  assert.match(await inside('http://undeclared'), /^app /);
});

test('--address: the traffic goes to another address than 127.0.0.1', async () => {
  const shown = await onLaptop(['sh', '-c', 'ip -4 -o addr show scope global']);
  const host = /inet (198\.18\.[\d.]+)/.exec(shown.stdout)?.[1] ?? '';
  await using _echo = await startEcho({ port: 9002, text: 'elsewhere', host });
  const stdout = await intercept('undeclared', '--address', host, '--port', '9002');
  assert.ok(stdout.includes(`: ${host}:9002\n`), stdout);
  assert.equal(await inside('http://undeclared'), 'elsewhere');
});

test('--namespace names the intercept after it, --workload leaves the name', async () => {
  const to = ['--namespace', elsewhere, '--port', port()];
  const url = `http://hello.${elsewhere}`;
  const name = `hello-${elsewhere}`;
  assert.match(await intercept('hello', ...to), new RegExp(`Intercept name *: ${name}\n`));
  assert.equal(await inside(url), 'laptop');
  const { stderr } = await telepresence(['leave', 'hello'], { mayFail: true });
  assert.match(stderr, /no intercept is called hello\n/);
  await telepresence(['leave', name]);
  assert.match(await inside(url), /^app /);
  const stdout = await intercept('myhello', '--workload', 'hello', ...to);
  assert.match(stdout, /Intercept name *: myhello\n/);
  assert.equal(await inside(url), 'laptop');
  await telepresence(['leave', 'myhello']);
});

test('a ReplicaSet of nobody’s with two Services: --service', async () => {
  const name = 'echo-rollout-x2v9';
  await refused(
    [name, '--port', port()],
    /more than one Service selects ReplicaSet echo-rollout-x2v9: echo-canary, echo-stable\n.*--service/,
  );
  const stdout = await intercept(name, '--port', port(), '--service', 'echo-stable');
  assert.match(stdout, /^Using ReplicaSet echo-rollout-x2v9$/m);
  assert.equal(await inside('http://echo-stable'), 'laptop');
});

test('without a Service: names and numbers of the annotation, and an Address that answers', async () => {
  const name = 'echo-no-svc';
  assert.match(
    (await telepresence(['list'])).stdout,
    /^echo-no-svc *: ready to intercept \(traffic-agent not yet installed\)$/m,
  );
  const both = /has several ports: http, 8081, 5353\/UDP\n.*--port LAPTOP PORT:SERVICE PORT/;
  await refused([name, '--port', port()], both);
  await refused([name, '--port', `${port()}:9`], /has no port 9; it has http, 8081, 5353/);
  for (const [asked, number] of [
    ['http', 8080],
    ['8081', 8081],
    // The number of the one with a name, and the name of the one with a number.
    ['8080', 8080],
    ['other', 8081],
  ] as const) {
    const stdout = await intercept(name, '--port', `${port()}:${asked}`);
    assert.match(stdout, new RegExp(`^ +Container Port Identifier *: ${asked}$`, 'm'));
    const address = /^ +Address +: (\S+)$/m.exec(stdout)?.[1] ?? '';
    assert.match(address, new RegExp(`^10\\.244\\.0\\.\\d+:${String(number)}$`));
    assert.equal(await curl(`http://${address}`), 'laptop');
    assert.equal(await inside(`http://${address}`), 'laptop');
  }
  // There is no such name.
  assert.equal(await curl(`http://${name}`), '');
});

test('pods with a hostname and a subdomain: the pod’s own name, intercepted', async () => {
  // On the laptop a name of two labels ends in a namespace, or is the world's.
  const url = `http://first.nodes.${namespace}.svc:8080`;
  assert.equal(await curl(url), 'app first 8080');
  assert.equal(await inside('http://first.nodes:8080'), 'app first 8080');
  await intercept('named-pods', '--port', port());
  await eventually('the new pod has the name', 20_000, async () => {
    assert.equal(await inside('http://first.nodes:8080'), 'laptop');
    assert.equal(await curl(url), 'laptop');
  });
});

test('--container: whose environment it is', async () => {
  const run = ['intercept', 'side', '--port', port(), '--container'];
  const shell = ['--', 'sh', '-c', 'echo "$TELEPRESENCE_CONTAINER ${WHO-nobody}"'];
  const told = await telepresence([...run, 'sidecar', ...shell], { deadlineMs: 90_000 });
  assert.match(told.stdout, /^sidecar sidecar$/m);
  assert.match((await telepresence([...run, 'app', ...shell])).stdout, /^app nobody$/m);
  await refused(
    ['side', '--port', port(), '--container', 'nosuch'],
    /has no container nosuch; it has app, sidecar\n.*--container/,
  );
});

test('--to-pod: a sidecar that listens on its localhost only, at localhost here', async () => {
  const url = 'http://localhost:9091';
  const toPod = ['--to-pod', '9091', '--to-pod=8081,9091/UDP'];
  await intercept('side', '--port', port(), ...toPod);
  assert.equal(await inside('http://side'), 'laptop');
  assert.match(await curl(url), /^sidecar side-/);
  assert.match(await curl('http://127.0.0.1:8081'), /^app side-\S+ 8081$/);
  const outside = await kubectl(
    'get',
    'pods',
    '-n',
    namespace,
    '-l',
    'app=side',
    '--field-selector=status.phase=Running',
    '-o',
    'jsonpath={.items[*].status.podIP}',
  );
  assert.equal(await curl(`http://${outside.split(' ')[0] ?? ''}:9091`), '', 'nobody else may');
  const listens = await onLaptop(['sh', '-c', 'ss -Hlntu sport = :9091']);
  assert.deepEqual(listens.stdout.match(/\S+:9091/g), ['127.0.0.1:9091', '127.0.0.1:9091']);

  // Another pod takes the place of this one.
  await kubectl('delete', 'pods', '-n', namespace, '-l', 'app=side');
  await eventually('the new pod answers', 20_000, async () => {
    assert.match(await curl(url), /^sidecar side-/);
  });

  // The same name again, without one of them.
  await intercept('side', '--port', port(), '--to-pod', '9091');
  assert.match(await curl(url), /^sidecar side-/);
  assert.equal(await curl('http://127.0.0.1:8081'), '');
  await telepresence(['leave', 'side']);
  assert.equal(await curl(url), '', 'it ends with the intercept');
});

test('--to-pod PORT/UDP', async () => {
  await intercept('side', '--port', port(), '--to-pod', '9125/UDP');
  const pods = await kubectl('get', 'pods', '-n', namespace, '-l', 'app=side', '-o', 'json');
  const [ip = ''] = /(?<="podIP": ")[^"]+/.exec(pods) ?? [];
  await using _echo = await startUdpEcho(ip, 9125, '127.0.0.1');
  const answers = await ask(['udp', '127.0.0.1', 9125, 3, 100]);
  assert.equal(answers.length, 3);
  for (const { outcome } of answers) assert.match(outcome, /^100 127\.0\.0\.1/);
});

test('--to-pod of a port that is in use: who has it, and nothing is changed', async () => {
  await using _echo = await startEcho({ port: 9091, text: 'mine' });
  const side = ['side', '--port', port(), '--to-pod'];
  await refused(
    [...side, '9091'],
    /port 9091 of this machine is in use by \S.* \(pid \d+\), so the pod's cannot be had there\n/,
  );
  await refused(
    [...side, port()],
    /cannot be both what answers \(--port\) and the pod's \(--to-pod\)/,
  );
  await refused([...side, 'http'], /invalid argument "http" for "--to-pod": it is PORT\[\/UDP\]/);
  assert.equal(
    (await kubectl('get', '-n', namespace, `intercepts.${group}`, '-o', 'name')).trim(),
    '',
  );
  assert.equal(await curl('http://localhost:9091'), 'mine');
});
