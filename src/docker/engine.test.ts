import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DockerCommand } from './command.ts';
import { readEngine } from './engine.ts';

const version = JSON.stringify({
  Client: { Version: '28.2.2', ApiVersion: '1.41', Context: 'colima' },
  Server: { Version: '27.0.1', ApiVersion: '1.46', Os: 'linux', Arch: 'arm64', Components: [] },
});

/** Answers each question by its first word; one that is not there is never answered. */
function docker(answers: Readonly<Record<string, string>>): DockerCommand {
  const run: DockerCommand['run'] = async ([word = ''], { signal }) => {
    const stdout = answers[word];
    if (stdout !== undefined) return { status: stdout === '' ? 1 : 0, stdout, stderr: '' };
    const stopped = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => stopped.reject(signal.reason));
    return await stopped.promise;
  };
  return { path: '/usr/bin/docker', env: {}, run };
}

test('facts of three questions; what only some answer may be missing', async () => {
  const signal = AbortSignal.timeout(5000);
  const whole = docker({ version, info: '{}', context: '"unix:///home/me/.colima/docker.sock"\n' });
  const facts = await readEngine({ docker: whole }, signal);
  assert.deepEqual(
    [facts.context, facts.architecture, facts.apiVersion, facts.endpoint],
    ['colima', 'arm64', '1.41', 'unix:///home/me/.colima/docker.sock'],
  );
  const bare = await readEngine({ docker: docker({ version, info: '', context: '' }) }, signal);
  assert.deepEqual([bare.endpoint, bare.isOnThisMachine, bare.rootless], [undefined, true, false]);
});

test('an engine that never answers is given up, and named', async () => {
  const deps = { docker: docker({ info: '{}', context: '' }), answerMs: 50 };
  await assert.rejects(readEngine(deps, AbortSignal.timeout(5000)), {
    code: 'Unreachable',
    message: 'Docker has not answered within 0.05 s (/usr/bin/docker)',
  });
});

test('whoever stops asking hears no other reason', async () => {
  const stop = new AbortController();
  const asked = readEngine({ docker: docker({ info: '{}', context: '' }) }, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(asked, /enough/);
});
