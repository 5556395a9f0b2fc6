import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordingContext } from '../testing.fixture.ts';
import { openHandler } from './handler.ts';
import { scriptDocker } from './script-docker.fixture.ts';

test('a --cidfile that is there already is refused before anything is made', async () => {
  await using fake = await scriptDocker('exit 0');
  const { context } = recordingContext();
  const here = { ...context, env: fake.docker.env, cwd: fake.directory };
  const asked = { words: ['--cidfile=id', 'img'], build: undefined, forDebugger: false };
  assert.equal((await openHandler(here, asked)).words.image, 'img');
  await writeFile(join(fake.directory, 'id'), 'abc');
  await assert.rejects(openHandler(here, asked), {
    message: 'the file of --cidfile is there already: id',
  });
});
