/** The volumes of an intercepted pod in its handler's container, by the plugin in a real Docker Engine. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeImageParts } from './docker/laptop-docker.ts';
import { pairApp } from './docker/pair-app.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startTelepresence, type UnderWay } from './under-way.ts';
import { removeDisk, volumesApp, writeDisk } from './volumes-app.ts';

const namespace = 'e2e-docker-volumes';
const sandbox = 'tp-e2e-volumes';
const image = 'telepresence/telepresence:0.1.0';
const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const owned = new AsyncDisposableStack();

async function docker(...args: readonly string[]): Promise<string> {
  return (await onLaptop(['docker', ...args])).stdout.trim();
}

/** What a shell in a handler prints. Nothing may hang. */
async function sh(handler: string, script: string): Promise<string> {
  return await docker('exec', handler, 'busybox', 'timeout', '12', 'sh', '-c', script);
}

/** The same, for what must fail: what it complains of. */
async function refused(handler: string, script: string): Promise<string> {
  const argv = ['docker', 'exec', handler, 'busybox', 'timeout', '12', 'sh', '-c', script];
  const { status, stdout, stderr } = await onLaptop(argv, { mayFail: true });
  assert.ok(
    status !== 0 && status !== 124 && status !== 143,
    `${script}: ${String(status)} ${stdout}`,
  );
  return stderr.trim();
}

async function inPod(workload: string, container: string, script: string): Promise<string> {
  const where = ['exec', '-n', namespace, `deployment/${workload}`, '-c', container];
  return (await kubectl(...where, '--', 'sh', '-c', script)).trim();
}

/** A handler that waits; its user is nobody's in particular. */
async function handle(
  name: string,
  flags: readonly string[],
  words: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<UnderWay> {
  const own = ['--name', name, '--user=1234:1234', '--entrypoint=pause', ...words, image];
  const asked = ['intercept', ...flags, '--docker-run', '--', ...own];
  const command = await startTelepresence(asked, { env });
  await command.prints(/Intercepting/);
  await eventually(`${name} runs`, 40_000, async () => void (await docker('exec', name, 'true')));
  return command;
}

/** The same by the plugin: nothing less is taken for it. */
async function handleByPlugin(...asked: Parameters<typeof handle>): Promise<UnderWay> {
  const command = await handle(...asked);
  assert.doesNotMatch(command.stderr, /warning: the container has/);
  return command;
}

async function volumes(): Promise<string[]> {
  const listed = await docker('volume', 'ls', '--quiet');
  return listed.split('\n').filter(Boolean).toSorted();
}

async function noneLeft(): Promise<void> {
  assert.deepEqual(await volumes(), []);
  const mounted = await onLaptop(['sh', '-c', 'grep ^telepresence: /proc/mounts; true']);
  assert.equal(mounted.stdout, '');
  const running = await onLaptop(['sh', '-c', 'pgrep -x sshfs; true']);
  assert.equal(running.stdout, '');
}

before(async () => {
  await prepare();
  await makeImageParts();
  await telepresence(['quit', '-s'], { mayFail: true });
  owned.use(await createNamespace(namespace));
  owned.defer(async () => await removeDisk(namespace));
  await writeDisk();
  await apply(helloApp({ namespace, name: 'other' }));
  await apply(volumesApp(namespace));
  await apply(pairApp(namespace));
  await rollOut(namespace);
  const connect = ['connect', '--docker', '--name', 'e2e-volumes', '--namespace', namespace];
  await telepresence(connect, { deadlineMs: 180_000 });
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await owned.disposeAsync();
});

let first: UnderWay;

test('every volume where it is in the pod: read, written, refused as there', async () => {
  first = await handleByPlugin('vols-h', ['vols', '--port', '9101']);
  const contents = 'cat /etc/settings/color /etc/secret/password /etc/one.conf /disk/shared';
  assert.equal(await sh('vols-h', contents), 'bluehiddenblueshared');
  assert.equal(await sh('vols-h', `cat ${token}`), await inPod('vols', 'app', `cat ${token}`));
  assert.match(
    await sh('vols-h', 'echo $TELEPRESENCE_ROOT:$TELEPRESENCE_MOUNTS'),
    /^\/:\/.*\/data/,
  );
  await sh('vols-h', 'cd /data; echo one >a; echo two >>a; mv a b; mkdir d; ln -s b l; cat l');
  assert.equal(await inPod('vols', 'app', 'cat /data/b; readlink /data/l'), 'one\ntwo\nb');
  await inPod('vols', 'app', 'head -c 3000000 /dev/urandom >/data/big');
  const sum = 'busybox sha256sum </data/big';
  assert.equal(await sh('vols-h', sum), await inPod('vols', 'app', 'sha256sum </data/big'));
  for (const script of ['echo x >/etc/secret/x', 'echo x >/etc/settings/color']) {
    assert.match(await refused('vols-h', script), /Read-only file system|denied/, script);
  }
  assert.match(await refused('vols-h', 'cat /disk/mine'), /Permission denied/);
  assert.deepEqual(await volumes(), [
    'app-0',
    'app-1',
    'app-2',
    'app-3',
    'app-4',
    'app-5',
    'app-6',
  ]);
});

test('two containers of other pods beside it, each with its own; --docker-mount, and only to be read', async () => {
  const flags = ['--container', 'app', '--docker-mount', '/pod', '--mount=true:ro'];
  const second = await handleByPlugin('pair-h', ['pair', '--port', '9102:one', ...flags]);
  assert.equal(await sh('pair-h', 'cat /pod/etc/one/name; echo $TELEPRESENCE_ROOT'), 'one/pod');
  const three = await sh('pair-h', 'grep ^telepresence: /proc/mounts');
  assert.equal(three.split('\n').length, 3, `${three}\n${(await volumes()).join(' ')}`);
  assert.match(await refused('pair-h', 'touch /pod/shared/x'), /Read-only file system/);
  const third = await handleByPlugin('two-h', [
    'pair-two',
    '--workload',
    'pair',
    '--port',
    '9103:two',
    '--container',
    'two',
  ]);
  assert.equal(await sh('two-h', 'cat /etc/two/name; echo from-two >/shared/y'), 'two');
  // Both containers are in one pod, and see one volume of it by two ways.
  await eventually('the other sees it', 5000, async () => {
    assert.equal(await sh('pair-h', 'cat /pod/shared/y'), 'from-two');
  });
  // The names of the first one's volumes are taken.
  assert.equal((await volumes()).filter((name) => /^app-0-[0-9a-f]{8}$/.test(name)).length, 1);
  for (const one of [second, third]) {
    await one.interrupt();
    await one.ended;
  }
  assert.equal((await volumes()).length, 7);
  assert.equal(await sh('vols-h', 'cat /etc/settings/color'), 'blue');
});

test('who has no token gets nothing, on the same network or the engine’s machine', async () => {
  const asked = ['volume', 'inspect', '--format', '{{.Status.host}} {{.Status.port}}', 'app-1'];
  const [host = '', port = ''] = (await docker(...asked)).split(' ');
  const script = `
    const { createConnection } = require('node:net');
    const ask = (bytes) => new Promise((done) => {
      let said = '';
      const socket = createConnection(${port}, ${JSON.stringify(host)}, () => socket.write(bytes));
      socket.on('data', (data) => (said += data)).on('error', done).on('close', () => done(said.trim()));
    });
    const greeting = 'telepresence-files/1 ' + '0'.repeat(64) + ' rw app\\n';
    const init = Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]);
    for (const bytes of [greeting, Buffer.concat([Buffer.from(greeting), init]), init, 'x'.repeat(70000)])
      ask(bytes).then((said) => console.log(JSON.stringify(said)));`;
  const stranger = ['run', '--rm', '--network=telepresence', '--entrypoint=/usr/bin/node', image];
  const fromNetwork = await docker(...stranger, '-e', script);
  const answers = fromNetwork.split('\n').toSorted();
  assert.equal(answers.length, 4);
  for (const answer of answers)
    assert.match(answer, /^"(no this port serves only volumes of its own)?"$/);
  // Whoever may use Docker is root there; what it tells others has no token in it.
  const inspect = ['volume', 'inspect', 'app-1', '--format'];
  const secret = await docker(...inspect, '{{.Options.token}}');
  assert.match(secret, /^[0-9a-f]{64}$/);
  assert.ok(!(await docker(...inspect, '{{json .Status}}')).includes(secret));
  assert.ok(!(await docker('inspect', 'vols-h', `${sandbox}-daemon`)).includes(secret));
});

test('a daemon that stops: an error at once, and the same container reads again', async () => {
  await docker(
    'run',
    '--detach',
    '--name=beside',
    '-v',
    'app-1:/s:nocopy',
    '--entrypoint=pause',
    image,
  );
  owned.defer(
    async () => void (await onLaptop(['docker', 'rm', '-f', 'beside'], { mayFail: true })),
  );
  await sh('beside', 'ls /s');
  await docker('pause', `${sandbox}-daemon`);
  try {
    // Begun while nobody knows yet that it has stopped.
    assert.match(await refused('vols-h', 'cat /data/b; cat /data/big'), /not connected/);
    const began = performance.now();
    assert.match(await refused('vols-h', 'ls /disk/'), /not connected/);
    assert.ok(performance.now() - began < 5000);
    await docker('rm', '--force', 'beside');
  } finally {
    await docker('unpause', `${sandbox}-daemon`);
  }
  await eventually('the same container reads', 15_000, async () => {
    assert.equal(await sh('vols-h', 'cat /data/b /etc/settings/color'), 'one\ntwo\nblue');
  });
});

test('a plugin that is killed: nothing hangs, its volumes are known, and who comes now reads', async () => {
  await onLaptop(['pkill', '-KILL', '-f', '/app/volume-plugin.mjs']);
  const known = await volumes();
  await eventually('the plugin is there again', 20_000, async () => {
    const read = ['--rm', '-v', 'app-1:/s:nocopy', '--entrypoint=cat', image, '/s/color'];
    assert.equal(await docker('run', ...read), 'blue');
  });
  assert.equal((await volumes()).length, 7, known.join(' '));
  assert.match(await refused('vols-h', 'cat /etc/settings/color'), /not connected|aborted/);
  await first.interrupt();
  await first.ended;
  await noneLeft();
});

test('no volumes where none are wanted; what the user mounts himself stays his', async () => {
  const none = await handleByPlugin('none-h', ['vols', '--port', '9101', '--mount=false']);
  assert.deepEqual(await volumes(), []);
  await none.interrupt();
  await none.ended;
  const mine = await handleByPlugin('mine-h', ['vols', '--port', '9101'], ['--tmpfs', '/data']);
  assert.equal(await sh('mine-h', 'ls /data; cat /etc/settings/color'), 'blue');
  // Killed, it cannot take back anything: its watcher does.
  await mine.kill('SIGKILL');
  await mine.ended;
  await eventually('all is gone', 30_000, noneLeft);
});

test('an engine that takes no plugins: small volumes are copies that follow, and it says so', async () => {
  const directory = (await onLaptop(['mktemp', '-d'])).stdout.trim();
  owned.defer(async () => void (await onLaptop(['rm', '-r', directory])));
  const { stdout: real } = await onLaptop(['sh', '-c', 'command -v docker']);
  const refuse = 'echo "Error response from daemon: plugins are not allowed here" >&2; exit 1';
  const wrapper = `#!/bin/sh\n[ "$1" = plugin ] && { ${refuse}; }\nexec ${real.trim()} "$@"\n`;
  await onLaptop(['sh', '-c', `cat >${directory}/docker; chmod 755 ${directory}/docker`], {
    input: wrapper,
  });
  const path = (await onLaptop(['sh', '-c', 'echo $PATH'])).stdout.trim();
  const env = { PATH: `${directory}:${path}` };
  const copied = await handle('copy-h', ['vols', '--port', '9101'], [], env);
  await copied.says(
    /warning: the container has read-only copies .*, and not \/etc\/one\.conf, \/data, \/disk: plugins are not allowed here\n/,
  );
  assert.equal(await sh('copy-h', 'cat /etc/settings/color /etc/secret/password'), 'bluehidden');
  assert.match(await refused('copy-h', 'echo x >/etc/settings/x'), /Read-only file system/);
  const patch = JSON.stringify({ data: { color: 'green' } });
  await kubectl('patch', 'configmap', 'settings', '-n', namespace, '-p', patch);
  // The kubelet looks when a pod changes, or once a minute.
  await kubectl('annotate', 'pods', '-n', namespace, '-l', 'app=vols', 'e2e=look');
  await eventually('the copy follows', 60_000, async () => {
    assert.equal(await sh('copy-h', 'cat /etc/settings/color'), 'green');
  });
  await copied.interrupt();
  await copied.ended;
  await noneLeft();
  assert.equal(await docker('ps', '--all', '--quiet', '--filter=label=telepresence.handler'), '');
});
