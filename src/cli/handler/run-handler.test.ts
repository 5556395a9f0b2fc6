import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { InterceptInfoSchema } from '#protocol/gen/telepresence_pb.ts';
import { recordingContext } from '../testing.fixture.ts';
import { parseDockerWords } from './docker-words.ts';
import { allKept } from './option-rules.ts';
import type { ContainerPlace } from './place.ts';
import { runHandler } from './run-handler.ts';
import { parseRunHelp } from './run-options.ts';
import { scriptDocker } from './script-docker.fixture.ts';

/** Runs `docker run img` for an intercept that ends so. */
async function run(ended: Promise<string>) {
  await using fake = await scriptDocker('echo "$*" >>"$HERE/ran"');
  const { docker, directory } = fake;
  const { context } = recordingContext();
  const words = parseDockerWords(['img'], parseRunHelp(''));
  const place: ContainerPlace = { kind: 'container', network: 'tp-a', connection: 'a' };
  const handler = {
    docker,
    directory,
    words,
    command: 'intercept',
    place,
    name: 'c',
    image: 'img',
    sorted: allKept(words),
    volumes: undefined,
    besideHost: undefined,
    labels: [],
    forDebugger: false,
    watcher: { runs: () => {}, doubt: () => {}, done: () => {} },
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
  const info = create(InterceptInfoSchema, { name: 'hello', environment: { A: 'b' } });
  const status = await runHandler(context, handler, { info, ended, onStart: () => {} });
  return { status, ran: await fake.read('ran') };
}

test('a container runs for as long as its intercept', async () => {
  const { status, ran } = await run(new Promise(() => {}));
  assert.equal(status, 0);
  assert.match(ran, /^run --network=container:tp-a .* img\n$/);
});

test('it is not started where that has ended already', async () => {
  await assert.rejects(run(Promise.resolve('asked to leave')), {
    message: 'the intercept hello has ended: asked to leave; the container was not started',
  });
});
