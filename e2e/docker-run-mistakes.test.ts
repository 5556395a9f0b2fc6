/** What people get wrong with a container that is to answer: a sentence each, and nothing is left. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { echoOnDocker, type EchoOnDocker } from './docker/echo-on-docker.ts';
import { onLaptop, telepresence } from './run.ts';

const resources = new AsyncDisposableStack();
let echo: EchoOnDocker;
let folder = '';

before(async () => {
  echo = resources.use(await echoOnDocker({ name: 'e2e-run', environment: {} }));
  folder = await mkdtemp(join(tmpdir(), 'e2e-docker-run-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
});
after(async () => await resources.disposeAsync());

test('what cannot be is said in a sentence, and nothing is intercepted', async () => {
  await writeFile(join(folder, 'Dockerfile'), 'FROM jmalloc/echo-server\nRUN false\n');
  await onLaptop(['docker', 'rm', '-f', 'e2e-taken'], { mayFail: true });
  await onLaptop(['docker', 'create', '--name', 'e2e-taken', 'jmalloc/echo-server']);
  const error = 'telepresence intercept: error: ';
  const intercept = ['intercept', 'echo-easy', '--port', '8080:80'];
  const taken = /there is a container e2e-taken already, and it is not one of telepresence\ngive/;
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--docker-run', '--', 'nosuch'], /no image nosuch: /],
    [['--docker-run', '--', '--pull=never', 'nosuch'], /the engine has no image nosuch/],
    [['--docker-run'], /the image of the container is missing\nit is: /],
    [['--docker-run', '--', '-p', '80:80'], /the image of the container is missing\n/],
    [['--docker-run', '--', 'IMAGE'], /IMAGE stands for the image that --docker-build builds\n/],
    [['--docker-build', folder], /the word IMAGE is missing/],
    [['--docker-build', folder, 'img'], /the image that is built is IMAGE, and not img\n/],
    [['--docker-build', folder, 'IMAGE'], /no image could be built of .*: docker build ended with/],
    [['--docker-run', '--', '-d', 'jmalloc/echo-server'], /-d is not possible: .*foreground.*\n/],
    [['--docker-run', '--', '--network=host', 'jmalloc/echo-server'], /--network is not possible/],
    [
      ['--docker-run', '--', '--nmae=x', 'jmalloc/echo-server'],
      /docker run: unknown flag: --nmae\n/,
    ],
    [['--docker-run', '--', '--name=e2e-taken', 'jmalloc/echo-server'], taken],
    [
      ['--docker-run', '--', '-p', '127.0.0.1:58802:80', 'jmalloc/echo-server'],
      /127\.0\.0\.1:58802, which -p names, is in use on this machine\n/,
    ],
  ];
  for (const [words, says] of cases) {
    const { status, stdout, stderr } = await telepresence([...intercept, ...words], {
      mayFail: true,
    });
    assert.equal(status, 1, words.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr.slice(stderr.indexOf(error)), new RegExp(`^${error}${says.source}`));
  }
  const stopped = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
  const asked = [...intercept, '--docker-run', 'jmalloc/echo-server'];
  const { stderr } = await telepresence(asked, { mayFail: true, env: stopped });
  assert.match(stderr, /error: Docker does not run at unix:\/\/\/nowhere/);
  await onLaptop(['docker', 'rm', 'e2e-taken']);
  await echo.nothingIsLeft();
});
