import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ComposeSpec } from '#spec/compose-spec.ts';
import { findSource } from './compose-source.ts';

let base: string;
before(async () => {
  base = await mkdtemp(join(tmpdir(), 'compose-source-'));
  for (const [path, names] of [
    ['usual', ['docker-compose.yml', 'x-compose.yml']],
    ['one', ['shop-compose.yaml']],
    ['two', ['a-compose.yml', 'b-compose.yml']],
    ['none', []],
  ] as const) {
    await mkdir(join(base, path));
    for (const name of names) await writeFile(join(base, path, name), '');
  }
});
after(async () => await rm(base, { recursive: true, force: true }));

const find = async (spec: Omit<ComposeSpec, 'services'>, hasFile = false, env = {}) =>
  await findSource({ ...spec, services: [] }, { base, words: { hasFile }, directory: base, env });

test('a file, a directory that has one, or a file that is called somehow', async () => {
  const file = join(base, 'usual', 'docker-compose.yml');
  const cwd = join(base, 'usual');
  assert.deepEqual(await find({ context: 'usual/docker-compose.yml' }), {
    words: [`--file=${file}`],
    cwd,
  });
  assert.deepEqual(await find({ context: 'usual' }), { words: [], cwd });
  const only = join(base, 'one', 'shop-compose.yaml');
  assert.deepEqual((await find({ context: 'one' })).words, [`--file=${only}`]);
  assert.deepEqual((await find({ context: 'none' }, true)).words, []);
  assert.deepEqual((await find({ context: 'none' }, false, { COMPOSE_FILE: 'x' })).words, []);
});

test('a document in the specification becomes a file of its owner alone', async () => {
  const { words, cwd } = await find({ spec: { services: { a: { image: 'a' } } }, context: 'none' });
  assert.equal(cwd, join(base, 'none'));
  const file = join(base, 'compose.spec.yaml');
  assert.deepEqual(words, [`--project-directory=${cwd}`, `--file=${file}`]);
  assert.match(await readFile(file, 'utf8'), /image: a/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

for (const [spec, message] of [
  [{ context: 'nowhere' }, /compose\.context \S+nowhere: there is no such file/],
  [{ context: 'none' }, /there is no Compose file in \S+none/],
  [{ context: 'two' }, /there are several Compose files in \S+two: a-compose.yml, b-compose.yml/],
  [{ context: 'usual/docker-compose.yml', spec: {} }, /is a file, and there is compose\.spec too/],
] as const) {
  test(`refused: ${JSON.stringify(spec)}`, async () => {
    await assert.rejects(find(spec), message);
  });
}
