import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rename, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startFakeCluster, type FakeCluster } from '../session/fake-cluster.fixture.ts';

const checkout = join(import.meta.dirname, '../../..');
let dist = '';

// Bundled once: from sources each of the many commands would take seconds to load.
before(async () => {
  dist = await mkdtemp(join(tmpdir(), 'tp-dist-'));
  await symlink(join(checkout, 'node_modules'), join(dist, 'node_modules'));
  const bundle = ['tools/bundle.ts', 'telepresence', 'user-daemon'];
  const env = { ...process.env, TELEPRESENCE_DIST: dist };
  await promisify(execFile)(process.execPath, bundle, { cwd: checkout, env });
});
after(async () => await rm(dist, { recursive: true }));

interface Told {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real CLI and the real user daemon, on a fake cluster and with a fake root daemon. */
async function laptopOf(cluster: FakeCluster) {
  const runtime = join(cluster.directory, 'telepresence');
  await mkdir(runtime, { mode: 0o700 });
  await rename(cluster.rootSocket, join(runtime, 'root-daemon.sock'));
  const env = {
    PATH: process.env['PATH'],
    HOME: cluster.directory,
    KUBECONFIG: cluster.kubeconfig,
    XDG_RUNTIME_DIR: cluster.directory,
    XDG_STATE_HOME: join(cluster.directory, 'state'),
    TELEPRESENCE_EXECUTABLE: '/usr/local/bin/telepresence',
  };
  const start = (...args: readonly string[]) =>
    spawn(process.execPath, [join(dist, 'telepresence.mjs'), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const ended = async (child: ReturnType<typeof start>): Promise<Told> => {
    const closed = Promise.withResolvers<number | null>();
    child.once('close', (code) => closed.resolve(code));
    const told = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (told.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (told.stderr += String(chunk)));
    return { status: await closed.promise, ...told };
  };
  return {
    start,
    ended,
    run: async (...args: readonly string[]) => await ended(start(...args)),
    quiet: async (...args: readonly string[]): Promise<string> => {
      const told = await ended(start(...args));
      assert.equal(told.stderr, '');
      assert.equal(told.status, 0);
      return told.stdout;
    },
    runtime,
    async [Symbol.asyncDispose]() {
      await ended(start('quit', '-s'));
    },
  };
}

/** The first line that is so; fails when the stream ends without one. */
async function lineOf(stream: Readable, pattern: RegExp): Promise<string> {
  const found = Promise.withResolvers<string>();
  let text = '';
  stream.on('data', (chunk) => {
    text += String(chunk);
    const line = text
      .split('\n')
      .slice(0, -1)
      .find((each) => pattern.test(each));
    if (line !== undefined) found.resolve(line);
  });
  stream.once('close', () => found.reject(new Error(`no such line: ${text}`)));
  return await found.promise;
}

const active = {
  state: 'Active',
  workloadKind: 'Deployment',
  service: 'web',
  servicePort: { name: 'http', port: 80 },
  severalPorts: false,
  container: 'app',
  containerPort: 8080,
  protocol: 'TCP',
};

test('connect, list, intercept, status, leave, quit', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => active });
  await using laptop = await laptopOf(cluster);
  const { quiet, run } = laptop;

  assert.equal(await quiet('quit'), 'Not connected\n');
  assert.equal(
    await quiet('connect'),
    `Launching Telepresence User Daemon\nConnected to context test, namespace default (${cluster.api.url})\n`,
  );
  assert.equal(await quiet('connect'), '');
  const socket = join(laptop.runtime, 'user-daemon.sock');
  assert.equal((await stat(socket)).mode & 0o777, 0o600);

  assert.equal(
    await quiet('list'),
    [
      'api: ready to intercept (traffic-agent already installed)',
      'web: ready to intercept (traffic-agent not yet installed)',
      '',
    ].join('\n'),
  );
  const files = [join(cluster.directory, 'a.env'), join(cluster.directory, 'a.json')] as const;
  assert.equal(
    await quiet(
      'intercept',
      'web',
      '--mount=false',
      '--port',
      '9000',
      '-e',
      files[0],
      '-j',
      files[1],
    ),
    [
      'Using Deployment web',
      'intercepted',
      '    Intercept name: web',
      '    State         : ACTIVE',
      '    Workload kind : Deployment',
      '    Destination   : 127.0.0.1:9000',
      '    Intercepting  : all TCP connections',
      '',
    ].join('\n'),
  );
  assert.match(await readFile(files[0], 'utf8'), /^GREETING=hello$/m);
  assert.equal((await stat(files[0])).mode & 0o777, 0o600);
  assert.partialDeepStrictEqual(JSON.parse(await readFile(files[1], 'utf8')), {
    GREETING: 'hello',
    TELEPRESENCE_CONTAINER: 'app',
  });

  const taken = await run('intercept', 'api', '--mount=false', '--port', '9000');
  assert.equal(taken.status, 1);
  assert.match(
    taken.stderr,
    /^telepresence intercept: error: port 9000 of this machine already serves the intercept web\n/,
  );

  const status = await quiet('status');
  assert.match(status, /^OSS User Daemon: Running\n {2}Version {11}: v\d/);
  assert.match(status, /^ {2}Executable {8}: \/usr\/local\/bin\/telepresence$/m);
  assert.match(status, /^ {2}Status {12}: Connected$/m);
  assert.match(status, /^ {2}Intercepts {8}: 1 total\n {4}web: \S+@\S+$/m);
  assert.match(await quiet('version'), /^Client {9}: v.*\nRoot Daemon {4}: v0\nUser Daemon {4}: v/);

  assert.equal(await quiet('leave', 'web'), '');
  const gone = await run('leave', 'web');
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /^telepresence leave: error: no intercept is called web\n/);

  assert.equal(await quiet('quit'), 'Disconnected\n');
  assert.equal(cluster.api.objects.size, 0);
});

/** The command that runs while the intercept lasts follows. */
const interceptWith = ['intercept', 'web', '--mount=false', '--'] as const;

test('a command gets the environment, and its end is the end of the intercept', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => active });
  await using laptop = await laptopOf(cluster);
  await laptop.quiet('connect');
  const shell = ['sh', '-c', 'echo "$GREETING $TELEPRESENCE_CONTAINER"; exit 7'];
  const ran = await laptop.run(...interceptWith, ...shell);
  assert.equal(ran.status, 7, ran.stderr);
  assert.equal(ran.stderr, '');
  assert.match(ran.stdout, /\nhello app\n$/);
  assert.equal(cluster.api.objects.size, 1);

  const child = laptop.start(...interceptWith, 'sh', '-c', 'echo up; exec sleep 60');
  const told = laptop.ended(child);
  await lineOf(child.stdout, /^up$/);
  child.kill('SIGTERM');
  assert.equal((await told).status, 128 + 15);
  assert.equal(cluster.api.objects.size, 1);

  const missing = await laptop.run(...interceptWith, 'no-such-command');
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /error: no-such-command: command not found\n$/);
  assert.equal(cluster.api.objects.size, 1);

  const whole = await laptop.run('connect', '--', 'true');
  assert.equal(whole.status, 0);
  assert.equal(cluster.api.objects.size, 1, 'a connection that was there stays');
  await laptop.quiet('quit');
  assert.match((await laptop.run('connect', '--', 'true')).stdout, /^Connected to/);
  assert.equal(cluster.api.objects.size, 0);
});

test('an intercept with a command ends when its telepresence is killed', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => active });
  await using laptop = await laptopOf(cluster);
  await laptop.quiet('connect');
  const child = laptop.start(...interceptWith, 'sh', '-c', 'echo $$; exec sleep 60');
  const pid = await lineOf(child.stdout, /^\d+$/);
  await cluster.api.has(2);
  child.kill('SIGKILL');
  await cluster.api.has(1);
  process.kill(Number(pid));
  assert.match((await laptop.run('leave', 'web')).stderr, /no intercept is called web/);
});

test('a command runs on when its intercept is left by another', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => active });
  await using laptop = await laptopOf(cluster);
  await laptop.quiet('connect');
  const child = laptop.start(...interceptWith, 'sh', '-c', 'echo up; exec sleep 60');
  const told = laptop.ended(child);
  const warned = lineOf(
    child.stderr,
    /^telepresence intercept: warning: the intercept web has ended$/,
  );
  await lineOf(child.stdout, /^up$/);
  await laptop.quiet('leave', 'web');
  await warned;
  child.kill('SIGTERM');
  assert.equal((await told).status, 128 + 15);
});

test('Ctrl-C while an intercept is made takes it back', async () => {
  await using cluster = await startFakeCluster({
    interceptStatus: () => ({ state: 'Waiting', message: 'waiting for pods' }),
  });
  await using laptop = await laptopOf(cluster);
  await laptop.quiet('connect');
  const child = laptop.start('intercept', 'web');
  await cluster.api.has(2);
  child.kill('SIGINT');
  const told = await laptop.ended(child);
  assert.equal(told.status, 130);
  assert.equal(told.stderr, 'telepresence intercept: error: interrupted\n');
  await cluster.api.has(1);
});

test('a manager that is not there is said, with the next step', async () => {
  await using cluster = await startFakeCluster({
    interceptStatus: () => undefined,
    managerIsThere: false,
  });
  await using laptop = await laptopOf(cluster);
  const told = await laptop.run('connect', '--manager-namespace', 'nowhere');
  assert.equal(told.status, 1);
  assert.equal(
    told.stderr,
    [
      'telepresence connect: error: the traffic-manager is not installed in namespace nowhere',
      'install it: telepresence helm install, or name another namespace: telepresence connect --manager-namespace NAMESPACE',
      '',
    ].join('\n'),
  );
});
