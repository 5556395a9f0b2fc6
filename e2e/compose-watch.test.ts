/** What a Compose project declares to be watched is taken over while it handles an intercept. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { shopStage, type ShopStage } from './compose/shop-stage.ts';
import { writeShop, type ShopFiles } from './compose/shop-project.ts';
import { busybox } from './docker/busybox-image.ts';
import { eventually } from './eventually.ts';
import { onLaptop } from './run.ts';
import { startTelepresence } from './under-way.ts';

const namespace = 'e2e-compose-watch';
const owned = new AsyncDisposableStack();
let stage: ShopStage;
let files: ShopFiles;

const watched = `
services:
  web:
    build: .
    init: true
    stop_grace_period: 1s
    command: [sh, -c, "exec httpd -f -p 8080 -h /home/web"]
    develop: {watch: [{action: sync, path: ./web, target: /home/web}, {action: rebuild, path: ./start.sh}]}
    x-telepresence: {behavior: interceptHandler}
  db: {image: ${busybox}, init: true, command: [sleep, infinity], stop_grace_period: 1s}
`;

before(async () => {
  stage = owned.use(await shopStage(namespace));
  files = owned.use(await writeShop(namespace, watched));
  const specification = await readFile(files.specification, 'utf8');
  const one = specification
    .replace(/  - name: orders\n.*\n/, '')
    .replace(/\n *services: .*\n/, '\n');
  await writeFile(files.specification, one);
});
after(async () => await owned.disposeAsync());

test('what is declared to be watched is taken over at once', async () => {
  const project = join(files.directory, 'project');
  const dockerfile = `FROM ${busybox}\nCOPY web /home/web\n`;
  await writeFile(join(project, 'Dockerfile'), dockerfile);
  const run = await startTelepresence(['intercept', 'run', files.specification]);
  await run.prints(/Watch enabled|watching/i);
  const page = async (text: RegExp): Promise<void> =>
    void (await eventually(`the handler answers ${String(text)}`, 30_000, async () => {
      assert.match(await stage.askInCluster('http://shop/page'), text);
    }));
  await writeFile(join(project, 'web', 'page'), 'one');
  await page(/^one$/);
  // Its container is made anew: the same intercept goes on, and the run with it.
  const id = async (): Promise<string> =>
    (await onLaptop(['docker', 'ps', '--quiet', '--filter', 'name=project-web-1'])).stdout;
  const before = await id();
  await appendFile(join(project, 'start.sh'), '\n# changed\n');
  await eventually('the container is another one', 60_000, async () => {
    const now = await id();
    assert.ok(now !== '' && now !== before);
  });
  await page(/^one$/);
  await run.interrupt();
  await run.ended;
  await stage.nothingIsLeft();
});
