/** How a run of a Compose project ends: killed, by a handler's end, by what cannot be. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { CommandResult } from '../images/command.ts';
import { shopStage, type ShopStage } from './compose/shop-stage.ts';
import { writeShop, type ShopFiles } from './compose/shop-project.ts';
import { busybox } from './docker/busybox-image.ts';
import { eventually } from './eventually.ts';
import { onLaptop, telepresence } from './run.ts';
import { startTelepresence, type UnderWay } from './under-way.ts';

const namespace = 'e2e-compose-ends';
const owned = new AsyncDisposableStack();
let stage: ShopStage;
let files: ShopFiles;

/** One service that handles, and one beside it. */
const small = (web: string): string => `
services:
  web:
    image: ${busybox}
    init: true
    stop_grace_period: 1s
    ${web}
    x-telepresence: {behavior: interceptHandler}
  db: {image: ${busybox}, init: true, command: [sleep, infinity], networks: [back], stop_grace_period: 1s, volumes: [/without-a-name]}
networks: {back: {}}
`;

const serving = `command: [sh, -c, "exec httpd -f -p 8080 -h /home/web"]
    volumes: [".:/home"]
    networks: [default, back]`;

before(async () => {
  stage = owned.use(await shopStage(namespace));
});
after(async () => await owned.disposeAsync());

beforeEach(async () => {
  files = owned.use(await writeShop(namespace, small(serving)));
  const specification = await readFile(files.specification, 'utf8');
  const one = specification
    .replace(/  - name: orders\n.*\n/, '')
    .replace(/\n *services: .*\n/, '\n');
  await writeFile(files.specification, one);
});

const start = async (compose?: string): Promise<UnderWay> => {
  if (compose !== undefined) {
    await writeFile(join(files.directory, 'project', 'docker-compose.yml'), compose);
  }
  return await startTelepresence(['intercept', 'run', files.specification]);
};

const ends = async (compose?: string): Promise<CommandResult> => await (await start(compose)).ended;

const answers = async (run: UnderWay): Promise<void> => {
  await run.prints(/started successfully/);
  await eventually('the handler answers', 60_000, async () => {
    assert.match(await stage.askInCluster('http://shop/cgi-bin/who'), /^web color=blue/);
  });
};

test('kill -9 leaves nothing', async () => {
  const run = await start();
  await answers(run);
  await run.kill('SIGKILL');
  await run.ended;
  await stage.nothingIsLeft();
  assert.match(await stage.askInCluster('http://shop/'), /^app shop/);
});

test('the exit code of a handler is that of the run, and its end the end of all', async () => {
  const { status, stderr } = await ends(
    small('command: [sh, -c, "sleep 2; exit 7"]\n    networks: [default, back]'),
  );
  assert.equal(status, 7, stderr);
  assert.match(stderr, /the service web has ended with exit code 7/);
  await stage.nothingIsLeft();
});

test('leave ends it too; what its user has started under its name meanwhile is his', async () => {
  const run = await start();
  await answers(run);
  const project = join(files.directory, 'project');
  const mine = `  mine: {image: ${busybox}, init: true, command: [sleep, infinity], network_mode: none}`;
  const file = join(project, 'docker-compose.yml');
  await writeFile(file, small(serving).replace('\nnetworks: {', `\n${mine}\nnetworks: {`));
  const compose = ['docker', 'compose', '--project-directory', project];
  await onLaptop([...compose, 'up', '--detach', '--no-deps', 'mine']);
  try {
    await telepresence(['leave', 'shop', '--use', namespace]);
    const { stderr } = await run.ended;
    assert.match(stderr, /the intercept shop has ended/);
    const { stdout } = await onLaptop(['docker', 'ps', '--format', '{{.Names}}']);
    assert.match(stdout, /^project-mine-1$/m);
    assert.doesNotMatch(stdout, /^project-(web|db)-1$/m);
  } finally {
    await onLaptop([...compose, 'down', '--timeout', '1']);
  }
  await stage.nothingIsLeft();
});

test('what cannot be is said, and leaves nothing', async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    [
      small('image: [no'),
      /docker compose does not accept the project in \S+project: yaml: line \d+/,
    ],
    [
      small(serving).replace('interceptHandler}', 'interceptHandler, intercepts: [other]}'),
      /service web: there is no intercept other/,
    ],
    [
      small(serving).replace(`image: ${busybox}\n    init`, 'image: nobody/has-this:1\n    init'),
      /the services of project could not be made/,
    ],
    [
      small(`${serving}\n    ports: ["127.0.0.1:58802:8080"]`),
      /127\.0\.0\.1:58802, which the ports of the services name, is in use on this machine/,
    ],
  ];
  for (const [compose, message] of wrong) {
    const { status, stderr } = await ends(compose);
    assert.notEqual(status, 0, compose);
    assert.match(stderr, message);
  }
  await stage.nothingIsLeft();
});

test('a project that its user runs is left alone', async () => {
  const project = join(files.directory, 'project');
  const compose = ['docker', 'compose', '--project-directory', project];
  await onLaptop([...compose, 'up', '--detach', 'db']);
  try {
    const { status, stderr } = await ends();
    assert.equal(status, 1);
    assert.match(stderr, /the Compose project project has containers already.*project-db-1/);
    assert.match(stderr, /docker compose -p project down/);
    const { stdout } = await onLaptop(['docker', 'ps', '--format', '{{.Names}}']);
    assert.match(stdout, /^project-db-1$/m);
  } finally {
    await onLaptop([...compose, 'down', '--volumes', '--timeout', '1']);
  }
});

test('without the plugin it is said what to install', async () => {
  const command = ['intercept', 'run', files.specification];
  const { status, stderr } = await telepresence(command, {
    mayFail: true,
    env: { HOME: '/nowhere' },
  });
  assert.equal(status, 1);
  assert.match(stderr, /has no compose command/);
});
