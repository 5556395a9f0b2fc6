import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScriptDocker } from '../handler/script-docker.fixture.ts';
import { scriptDocker } from '../handler/script-docker.fixture.ts';
import { attachNetworks } from './attach-networks.ts';
import { runTraces } from '../specification/handlers/run-traces.fixture.ts';

const attachment = {
  sandbox: 'tp',
  network: 'shop_back',
  aliases: ['web'],
  address: undefined,
  address6: undefined,
};
const { signal } = new AbortController();

/** Attaches, takes back, and tells what was written down, crossed out and doubted. */
async function attach(
  { docker }: ScriptDocker,
  until: AbortSignal = signal,
): Promise<{ readonly failure: unknown; readonly told: readonly string[] }> {
  const told: string[] = [];
  const deps = {
    docker,
    ordersNetworks: false,
    journal: {
      write: () => {
        told.push('written');
        return () => void told.push('crossed out');
      },
    },
    output: { out: () => {}, err: (line: string) => void told.push(line), follow: async () => {} },
    traces: runTraces('x', '/nowhere', () => void told.push('doubt')),
  };
  const undo = new AsyncDisposableStack();
  const failure = await attachNetworks(deps, undo, [attachment], until).then(
    () => undefined,
    (error: unknown) => error,
  );
  await undo.disposeAsync();
  return { failure, told };
}

test('a network that was joined is left, and that is crossed out', async () => {
  await using docker = await scriptDocker('echo "$@" >>$HERE/ran');
  const { failure, told } = await attach(docker);
  assert.equal(failure, undefined);
  assert.deepEqual(told, ['written', 'crossed out']);
  assert.equal(
    await docker.read('ran'),
    'network connect --alias=web shop_back tp\nnetwork disconnect --force shop_back tp\n',
  );
});

test('what could not be left is the watcher’s; what is not there any more is left', async () => {
  await using stays = await scriptDocker('[ $2 = connect ] || { echo "no way" >&2; exit 1; }');
  assert.deepEqual((await attach(stays)).told, ['written', 'doubt']);
  await using gone = await scriptDocker(
    '[ $2 = connect ] || { echo "Error: No such container: tp" >&2; exit 1; }',
  );
  assert.deepEqual((await attach(gone)).told, ['written', 'crossed out']);
});

test('Ctrl-C kills no command that the engine goes on with: it is taken back', async () => {
  const over = new AbortController();
  await using docker = await scriptDocker(
    '[ $2 = disconnect ] || touch $HERE/joining; sleep 0.3; echo $2 >>$HERE/ran',
  );
  const attaching = attach(docker, over.signal);
  over.abort(new Error('Ctrl-C'));
  await attaching;
  assert.equal(await docker.read('ran'), 'connect\ndisconnect\n');
});

test('where somebody else has put it, it stays', async () => {
  await using docker = await scriptDocker(
    'echo $2 >>$HERE/ran; echo "endpoint with name tp already exists in network shop_back" >&2; exit 1',
  );
  const { failure, told } = await attach(docker);
  assert.match(String(failure), /shop_back is joined by tp already/);
  assert.deepEqual(told, ['written', 'crossed out']);
  assert.equal(await docker.read('ran'), 'connect\n');
});
