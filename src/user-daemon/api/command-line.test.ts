import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startFakeCluster, type FakeCluster } from '../session/fake-cluster.fixture.ts';

const main = new URL('../../cli/main.ts', import.meta.url).pathname;

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
    spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = async (child: ReturnType<typeof start>): Promise<Told> => {
    const closed = Promise.withResolvers<number | null>();
    child.once('close', (code) => closed.resolve(code));
    const [stdout, stderr] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
    return { status: await closed.promise, stdout: stdout.join(''), stderr: stderr.join('') };
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
    await quiet('intercept', 'web', '--port', '9000', '-e', files[0], '-j', files[1]),
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

  const taken = await run('intercept', 'api', '--port', '9000');
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

test('a command gets the environment, and its end is the end of the intercept', async () => {
  await using cluster = await startFakeCluster({ interceptStatus: () => active });
  await using laptop = await laptopOf(cluster);
  await laptop.quiet('connect');
  const shell = ['sh', '-c', 'echo "$GREETING $TELEPRESENCE_CONTAINER"; exit 7'];
  const told = await laptop.run('intercept', 'web', '--', ...shell);
  assert.equal(told.status, 7, told.stderr);
  assert.match(told.stdout, /\nhello app\n$/);
  assert.equal(cluster.api.objects.size, 1);

  const child = laptop.start('intercept', 'web', '--', 'sh', '-c', 'echo up; exec sleep 60');
  child.stdout.on('data', (chunk) => {
    if (String(chunk).includes('up')) child.kill('SIGTERM');
  });
  const [status]: unknown[] = await once(child, 'close');
  assert.equal(status, 128 + 15);
  assert.equal(cluster.api.objects.size, 1);

  const missing = await laptop.run('intercept', 'web', '--', 'no-such-command');
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

test('Ctrl-C while an intercept is made takes it back', async () => {
  await using cluster = await startFakeCluster({
    interceptStatus: () => ({ state: 'Waiting', message: 'waiting for pods' }),
  });
  await using laptop = await laptopOf(cluster);
  await laptop.quiet('connect');
  const child = laptop.start('intercept', 'web');
  while (cluster.api.objects.size < 2) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  child.kill('SIGINT');
  const told = await laptop.ended(child);
  assert.equal(told.status, 130);
  assert.equal(told.stderr, 'telepresence intercept: error: interrupted\n');
  while (cluster.api.objects.size > 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
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
