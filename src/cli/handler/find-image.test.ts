import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingContext } from '../testing.fixture.ts';
import { buildImage } from './build-image.ts';
import { parseDockerWords } from './docker-words.ts';
import { findImage } from './find-image.ts';
import { parseRunHelp } from './run-options.ts';
import { scriptDocker } from './script-docker.fixture.ts';

test('the watcher knows of the docker command that pulls or builds', async () => {
  const script = `case $1 in
    image) echo "Error: No such image: img" >&2; exit 1;;
    pull) echo $$ >"$HERE/pid";;
    build) echo $$ >"$HERE/pid"; echo sha256:1 >"\${2#--iidfile=}";;
  esac`;
  await using fake = await scriptDocker(script);
  const { docker, directory } = fake;
  const { context } = recordingContext();
  const told: string[] = [];
  const watcher = { runs: (pid: number | undefined): void => void told.push(`${String(pid)}\n`) };
  const words = parseDockerWords(['img'], parseRunHelp(''));
  const env = docker.env;
  assert.equal(await findImage({ ...context, env }, { docker, watcher }, words), 'img');
  assert.deepEqual(told.splice(0), [await fake.read('pid'), 'undefined\n']);
  const build = { context: '.', options: [] };
  const options = { build, label: 'a=b', directory, watcher };
  assert.equal(await buildImage(context, { docker }, options), 'sha256:1');
  assert.deepEqual(told, [await fake.read('pid'), 'undefined\n']);
});

test('--pull=always is heeded at once, though the engine has the image', async () => {
  const script = `echo "$*" >>"$HERE/asked"; test "$3" != nosuch || { echo denied >&2; exit 1; }`;
  await using fake = await scriptDocker(script);
  const { docker } = fake;
  const { context } = recordingContext();
  const watcher = { runs: (): void => {} };
  const known = parseRunHelp('      --pull string\n      --platform string\n');
  const find = async (image: string): Promise<string> => {
    const words = parseDockerWords(['--pull=always', '--platform=linux/amd64', image], known);
    return await findImage(
      { ...context, env: docker.env },
      { docker, watcher },
      words,
      'see there',
    );
  };
  assert.equal(await find('img'), 'img');
  assert.equal(await fake.read('asked'), 'pull --platform=linux/amd64 img\n');
  await assert.rejects(find('nosuch'), { message: /^no image nosuch: /, hint: 'see there' });
});
