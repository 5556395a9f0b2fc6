/** However a container that answers ends, or its command, or its intercept: nothing of it is left. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { echoOnDocker, type EchoOnDocker } from './docker/echo-on-docker.ts';
import { onLaptop, telepresence } from './run.ts';

const container = 'intercept-echo-easy-8080';
const resources = new AsyncDisposableStack();
let echo: EchoOnDocker;

before(async () => {
  echo = resources.use(await echoOnDocker({ name: 'e2e-run-ends', environment: {} }));
});
after(async () => await resources.disposeAsync());

test('leave in another terminal stops the container, and the command says why', async () => {
  const command = await echo.start('jmalloc/echo-server');
  await telepresence(['leave', 'echo-easy']);
  const { status, stderr } = await command.ended;
  assert.match(stderr, /warning: the intercept echo-easy has ended.*; the container is stopped\n$/);
  assert.equal(status, 0);
  await echo.nothingIsLeft();
});

test('SIGTERM and SIGHUP stop it', async () => {
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    const command = await echo.start('jmalloc/echo-server');
    await command.kill(signal);
    assert.equal((await command.ended).status, 0, signal);
    await echo.nothingIsLeft();
  }
});

test('a second Ctrl-C stops a container that does not heed the first', async () => {
  const deaf = "trap '' INT TERM; echo Echo server listening on port 8080.; sleep 1000";
  const own = ['--stop-timeout=1', '--entrypoint=sh', echo.image, '-c', deaf];
  const command = await echo.start(...own);
  await command.interrupt();
  await command.interrupt();
  assert.equal((await command.ended).status, 137);
  await echo.nothingIsLeft();
});

test('a terminal is the container’s', async () => {
  // Docker gives it its size once it runs.
  const inside = `const { stdin, stdout } = process;
    const look = () => {
      const [columns, rows] = stdout.getWindowSize();
      if (columns !== 77 || !stdin.isTTY) return;
      console.log(rows + " " + columns);
      stdin.once("data", (typed) => { console.log("said " + typed); process.exit(3); });
    };
    stdout.on("resize", look);
    look();`;
  const words = [...echo.intercept, '-it', '--entrypoint=node', echo.image, '-e', inside];
  const line = ['telepresence', ...words].map((word) => `'${word}'`).join(' ');
  const typed = 'stty rows 33 cols 77; ';
  const script = ['script', '--quiet', '--return', '--command', `${typed}${line}`, '/dev/null'];
  const { status, stdout } = await onLaptop(script, { mayFail: true, input: 'hello\n' });
  assert.match(stdout, /33 77/);
  assert.match(stdout, /said hello/);
  assert.equal(status, 3);
  await echo.nothingIsLeft();
});

test('what a stopped handler of ours has left makes room; one that runs does not', async () => {
  const inspect = [
    'docker',
    'inspect',
    '--format',
    '{{index .Config.Labels "telepresence.laptop"}}',
  ];
  const laptop = (await onLaptop([...inspect, `tp-e2e-run-ends`])).stdout.trim();
  const labels = [
    '--label',
    `telepresence.laptop=${laptop}`,
    '--label',
    'telepresence.handler=old',
  ];
  await onLaptop(['docker', 'create', '--name', container, ...labels, 'jmalloc/echo-server']);
  const command = await echo.start('jmalloc/echo-server');
  const second = await telepresence([...echo.intercept, 'jmalloc/echo-server'], { mayFail: true });
  assert.match(second.stderr, /there is a handler intercept-echo-easy-8080 already, and it runs\n/);
  await command.interrupt();
  await command.ended;
  await echo.nothingIsLeft();
});

test('docker-run -d: its ports go with it where it is not started, and make room for the next', async () => {
  const ports = async (): Promise<string> => {
    const list = ['docker', 'ps', '--all', '--filter=label=telepresence.ports'];
    return (await onLaptop([...list, '--format', '{{.Names}} {{.Ports}}'])).stdout;
  };
  const line = ['docker-run', '-d', '--rm', '--name=e2e-back', '-p', '127.0.0.1:8096:8080'];
  const missing = [...line, '--entrypoint=/nowhere', echo.image];
  assert.equal((await telepresence(missing, { mayFail: true })).status, 127);
  assert.equal(await ports(), '');
  for (let times = 0; times < 2; times += 1) {
    await telepresence([...line, 'jmalloc/echo-server']);
    assert.equal(await ports(), 'e2e-back-ports 127.0.0.1:8096->8080/tcp\n');
    await onLaptop(['docker', 'rm', '--force', 'e2e-back']);
  }
  await onLaptop(['docker', 'rm', '--force', 'e2e-back-ports']);
  await echo.nothingIsLeft();
});

test('quit ends it, and says so', async () => {
  const command = await echo.start('jmalloc/echo-server');
  await telepresence(['quit']);
  const { stderr } = await command.ended;
  assert.match(stderr, /warning: the intercept echo-easy has ended/);
  const { stdout } = await onLaptop(['docker', 'ps', '--all', '--format', '{{.Names}}']);
  assert.doesNotMatch(stdout, /intercept-|tp-/);
  assert.doesNotMatch(await echo.files(), /run-/);
});
