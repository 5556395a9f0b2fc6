/** A container that answers for a workload beside a daemon that runs on the laptop itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildBusybox, busybox } from './docker/busybox-image.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startTelepresence, type UnderWay } from './under-way.ts';

const namespace = 'e2e-hybrid-run';
const resources = new AsyncDisposableStack();
const container = 'intercept-echo-18080';

const settings = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name: 'settings' },
  data: { greeting: 'from the pod' },
};
const withVolume = {
  spec: {
    template: {
      spec: {
        volumes: [{ name: 'settings', configMap: { name: 'settings' } }],
        containers: [
          { name: 'app', volumeMounts: [{ name: 'settings', mountPath: '/etc/settings' }] },
        ],
      },
    },
  },
};

before(async () => {
  await prepare();
  await telepresence(['quit', '-s'], { mayFail: true });
  await buildBusybox();
  resources.use(await createNamespace(namespace));
  await apply(helloApp({ namespace, name: 'echo' }));
  await apply(JSON.stringify(settings));
  const path = 'jsonpath={.spec.template.spec.containers[0].name}';
  const first = await kubectl('get', '-n', namespace, 'deployment/echo', '-o', path);
  const patch = JSON.stringify(withVolume).replace('"app"', JSON.stringify(first));
  await kubectl('patch', '-n', namespace, 'deployment/echo', '--patch', patch);
  await kubectl('set', 'env', '-n', namespace, 'deployment/echo', 'WHO=pod');
  const asking = ['--image=playground/busybox:1', '--', 'sleep', '3600'];
  await kubectl('run', 'asking', '-n', namespace, ...asking);
  await rollOut(namespace);
  await kubectl('wait', '-n', namespace, '--for=condition=Ready', 'pod/asking', '--timeout=50s');
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await resources.disposeAsync();
});

/** Answers each request at port 80 with who it is, what the pod's environment and file say. */
const server = (file: string): string => `mkdir /www; cd /www
  echo "container of $WHO $(cat ${file})" >index.html; echo serving; exec httpd -f -p 80`;

async function answering(
  flags: readonly string[],
  dockerWords: readonly string[],
  file = '/pod/etc/settings/greeting',
): Promise<UnderWay> {
  const words = ['intercept', 'echo', ...flags, '--docker-run', '--', '--init', ...dockerWords];
  const command = await startTelepresence([...words, busybox, 'sh', '-c', server(file)]);
  await command.prints(/^serving$/m);
  return command;
}

async function askedInCluster(): Promise<string> {
  const wget = ['timeout', '10', 'wget', '-q', '-O', '-', 'http://echo/'];
  return await kubectl('exec', '-n', namespace, 'asking', '--', ...wget);
}

async function answersFromContainer(says: RegExp): Promise<void> {
  await eventually('the container answers', 10_000, async () => {
    assert.match(await askedInCluster(), says);
  });
}

async function inspected(format: string): Promise<string> {
  return (await onLaptop(['docker', 'inspect', '--format', format, container])).stdout.trim();
}

async function nothingIsLeft(): Promise<void> {
  const label = '--filter=label=telepresence.handler';
  assert.equal((await onLaptop(['docker', 'ps', '--all', '--quiet', label])).stdout, '');
  const files = await onLaptop(['sh', '-c', 'ls "$XDG_RUNTIME_DIR/telepresence/handlers"']);
  assert.equal(files.stdout, '');
  assert.match((await telepresence(['list', '-i'])).stdout, /No Workloads/);
  assert.match(await askedInCluster(), /^app echo-/);
}

test('the automatic flags of the guide: port, volume, environment, search, name', async () => {
  const command = await answering(['--port', '18080:80', '--docker-mount', '/pod'], []);
  await answersFromContainer(/^container of pod from the pod\n$/);
  const ports = await inspected('{{json .HostConfig.PortBindings}}');
  assert.equal(ports, '{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"18080"}]}');
  assert.equal(await inspected('{{json .HostConfig.DnsSearch}}'), '["tel2-search"]');
  assert.match(await inspected('{{json .HostConfig.Binds}}'), /^\["[^:]+:\/pod"\]$/);
  // The container reaches what the pod reaches, by names of a single label too.
  const inside = ['docker', 'exec', container, 'sh', '-c'];
  const { stdout } = await onLaptop([
    ...inside,
    'echo $TELEPRESENCE_ROOT; wget -q -O - http://echo/',
  ]);
  assert.match(stdout, /^\/pod\ncontainer of pod/);
  await onLaptop(['docker', 'stop', container]);
  const { status, stdout: printed, stderr } = await command.ended;
  assert.notEqual(status, 0, 'the exit code of the container that was stopped');
  assert.match(printed, /Destination +: 127\.0\.0\.1:18080\n/);
  assert.match(
    stderr,
    /^telepresence intercept: warning: the container runs beside a daemon .* not recommended: connect with --docker\n$/,
  );
  await nothingIsLeft();
});

test('one port alone is the container’s too; words of the user win', async () => {
  const words = ['-p', '127.0.0.1:18080:80', '-e', 'WHO=user'];
  const command = await answering(['--port', '18080', '--mount=false'], words, '/dev/null');
  await answersFromContainer(/^container of user/);
  const ports = await inspected('{{json .HostConfig.PortBindings}}');
  assert.equal(ports, '{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"18080"}]}');
  assert.equal(await inspected('{{json .HostConfig.Binds}}'), 'null');
  await command.interrupt();
  await command.ended;
  await nothingIsLeft();
});

test('a service’s port as the third, an image that is built, and the end of the command by kill -9', async () => {
  const { stdout: folder } = await onLaptop(['mktemp', '-d']);
  const docker = `FROM ${busybox}\\nRUN echo built >/built\\n`;
  await onLaptop(['sh', '-c', `printf '${docker}' >${folder.trim()}/Dockerfile`]);
  const flags = ['--port', '18080:80:80', '--docker-build', folder.trim()];
  const words = ['intercept', 'echo', ...flags, '--', 'IMAGE', 'sh', '-c', server('/built')];
  const command = await startTelepresence(words);
  await command.prints(/^serving$/m);
  await answersFromContainer(/^container of pod built\n$/);
  await command.kill('SIGKILL');
  await command.ended;
  await eventually('nothing is left', 20_000, nothingIsLeft);
  await onLaptop(['rm', '-r', folder.trim()]);
});

async function refused(...words: readonly string[]): Promise<string> {
  const { status, stderr } = await telepresence(words, { mayFail: true });
  assert.equal(status, 1, stderr);
  return stderr;
}

test('what cannot be is said in one sentence, before anything is intercepted', async () => {
  const handler = ['--docker-run', '--', busybox] as const;
  const taken = await startTelepresence([
    'intercept',
    'echo',
    '--',
    'busybox',
    'nc',
    '-l',
    '-p',
    '18081',
  ]);
  await eventually('the port is taken', 10_000, async () => {
    const { stdout } = await onLaptop(['ss', '-Hltn']);
    assert.match(stdout, /:18081/);
  });
  assert.match(
    await refused('intercept', 'echo', '--port', '18081:80', ...handler),
    /error: 127\.0\.0\.1:18081 is in use on this machine\ntake another one/,
  );
  await taken.interrupt();
  await taken.ended;
  assert.match(
    await refused('intercept', 'echo', '--port', '8080:http', ...handler),
    /error: invalid argument "8080:http" for "-p, --port": http is no port of a container\n/,
  );
  for (const words of [
    ['intercept', 'echo', '--docker', '--port', '8080:80', ...handler],
    ['connect', '--docker'],
  ]) {
    const said = await refused(...words);
    assert.match(
      said,
      /error: this machine itself is connected to context \S+, namespace e2e-hybrid-run, without --docker\n/,
    );
    assert.match(said, /telepresence quit\n$/);
    assert.doesNotMatch(said, /implicit/);
  }
  await nothingIsLeft();
});

test('a firewall in the way is named, with the command that lets containers in; and that helps', async () => {
  const fire = (...words: readonly string[]): Promise<unknown> => onLaptop(['nft', ...words]);
  await fire('add', 'table', 'inet', 'fire');
  try {
    const base = '{ type filter hook input priority 10; policy drop; }';
    await fire('add', 'chain', 'inet', 'fire', 'in', base);
    await fire('add', 'rule', 'inet', 'fire', 'in', 'ct state established,related accept');
    await fire('add', 'rule', 'inet', 'fire', 'in', 'iifname lo accept');
    const ask = ['timeout', '3', 'nslookup', 'echo.tel2-search.'];
    const handler = ['--mount=false', '--docker-run', '--', busybox, ...ask];
    const blocked = await telepresence(['intercept', 'echo', '--port', '18080:80', ...handler], {
      mayFail: true,
    });
    const said =
      /do not reach the cluster, because chain in of table inet fire \(policy drop\) drops what comes in by docker0; let it in: sudo (nft insert rule inet fire in .*)\n/;
    const [, command = ''] = said.exec(blocked.stderr) ?? assert.fail(blocked.stderr);
    assert.doesNotMatch(blocked.stdout, /Address: 10\.96\./);
    assert.notEqual(blocked.status, 0);
    await onLaptop(['sh', '-c', command]);
    const { stdout } = await onLaptop(['docker', 'run', '--rm', busybox, ...ask]);
    assert.match(stdout, /Address: 10\.96\./);
  } finally {
    await fire('delete', 'table', 'inet', 'fire');
  }
});
