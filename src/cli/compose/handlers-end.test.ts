import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import type { DockerCommand } from '#docker/command.ts';
import { exitCodes, firstEnd } from './handlers-end.ts';

const clock: Clock = { ...systemClock, sleep: async (_ms, signal) => signal.throwIfAborted() };
const { signal } = new AbortController();

type Look = readonly (readonly [id: string, state: string, exitCode: number])[];

/** An engine that shows these of each service, one look after the other; the last one from then on. */
function engine(looks: Readonly<Record<string, readonly Look[]>>): {
  readonly docker: DockerCommand;
  readonly waited: string[];
} {
  const at = new Map<string, number>();
  const waited: string[] = [];
  let shown: Look = [];
  const run: DockerCommand['run'] = async (args, options) => {
    const answer = (stdout: string) => ({ status: 0, stdout, stderr: '' });
    const said = args.join(' ');
    const service = /compose\.service=(\w+)/.exec(said)?.[1] ?? '';
    const of = looks[service] ?? [];
    if (args[0] === 'ps') {
      const number = at.get(service) ?? 0;
      at.set(service, number + 1);
      shown = of[Math.min(number, of.length - 1)] ?? [];
      return answer(shown.map(([id]) => `${id}\n`).join(''));
    }
    if (args[0] === 'inspect') return answer(shown.map((one) => `${one.join('\t')}\n`).join(''));
    waited.push(args[1] ?? '');
    // One that stays runs until somebody else has ended.
    if (args[1] === 'stays') await systemClock.sleep(60_000, options.signal);
    return answer('');
  };
  return { docker: { path: 'docker', env: {}, run }, waited };
}

const project = { name: 'shop', id: 'x' };

test('a service that has ended for good is the end, and its code the code', async () => {
  const { docker, waited } = engine({
    web: [[['w1', 'running', 0]], [['w1', 'exited', 7]]],
  });
  const services = ['web'];
  assert.deepEqual(await firstEnd({ clock }, { ...project, docker }, { services, signal }), {
    service: 'web',
    exitCode: 7,
  });
  assert.deepEqual(waited, ['w1']);
});

test('one that is started again, or made anew, has not ended', async () => {
  const { docker, waited } = engine({
    web: [
      [['w1', 'running', 0]],
      [['w1', 'restarting', 1]],
      [['w1', 'running', 0]],
      [['w1', 'exited', 137]],
      [],
      [['w2', 'created', 0]],
      [['w2', 'running', 0]],
      [['w2', 'exited', 3]],
    ],
  });
  const services = ['web'];
  const { exitCode } = await firstEnd({ clock }, { ...project, docker }, { services, signal });
  assert.equal(exitCode, 3);
  assert.deepEqual(waited, ['w1', 'w1', 'w2']);
});

test('waiting for it ends with its signal', async () => {
  const { docker } = engine({ web: [[['stays', 'running', 0]]] });
  const over = AbortSignal.timeout(50);
  await assert.rejects(
    firstEnd({ clock }, { ...project, docker }, { services: ['web'], signal: over }),
    { name: 'TimeoutError' },
  );
});

test('only what has ended has an exit code', async () => {
  const { docker } = engine({ web: [[['w1', 'exited', 4]]] });
  assert.deepEqual(await exitCodes({ ...project, docker }, ['web'], signal), [4]);
  const running = engine({ web: [[['w1', 'running', 0]]] });
  assert.deepEqual(await exitCodes({ ...project, docker: running.docker }, ['web'], signal), []);
});
