import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { version } from '#base/version.ts';
import type { DockerCommand } from '../command.ts';
import type { ClientImage } from './client-image.ts';
import { ensureImage, parseImage } from './ensure-image.ts';

const signal = AbortSignal.timeout(10_000);

/** An engine that has one image or none; `docker load` gives it the one of the archive. */
function engine(options: { image?: string; pulls?: string } = {}) {
  let image = options.image;
  const said: string[] = [];
  const run: DockerCommand['run'] = async ([verb = '', ...args], { input }) => {
    const failed = { status: 1, stdout: '', stderr: 'no' };
    const done = { status: 0, stdout: '', stderr: '' };
    if (verb === 'image' && args[0] === 'inspect') {
      if (image === undefined) return failed;
      const labels = { 'telepresence.content': image };
      return {
        ...done,
        stdout: JSON.stringify({ Id: `sha256:${image}`, Config: { Labels: labels } }),
      };
    }
    said.push([verb, ...args].join(' '));
    if (verb === 'pull') {
      if (options.pulls === undefined) return failed;
      image = options.pulls;
    }
    if (verb === 'load' && typeof input === 'object') image = await text(Readable.from(input));
    return done;
  };
  return { docker: { path: 'docker', env: {}, run }, said };
}

function ours(content: string): ClientImage {
  const archive = async () =>
    (async function* () {
      yield Buffer.from(content);
    })();
  return { name: 'unused', content, archive };
}

async function ensured(given: ReturnType<typeof engine>, registry?: string) {
  const lines: string[] = [];
  const ownImage = async () => ours('new');
  const deps = { docker: given.docker, ownImage, progress: (line: string) => lines.push(line) };
  const name = await ensureImage(deps, { registry }, signal);
  return { name, lines, said: given.said };
}

const own = `telepresence/telepresence:${version}`;

test('an engine without our image is given it, with a line for the user', async () => {
  const { name, lines, said } = await ensured(engine());
  assert.equal(name, own);
  assert.deepEqual(lines, [`Making image ${own} and loading it into Docker`]);
  assert.deepEqual(said, ['load --quiet']);
});

test('an engine that has exactly this one is left alone', async () => {
  const { lines, said } = await ensured(engine({ image: 'new' }));
  assert.deepEqual([lines, said], [[], []]);
});

test('an image of other sources is replaced, and what is left of it removed', async () => {
  const { said } = await ensured(engine({ image: 'old' }));
  assert.deepEqual(said, [
    'load --quiet',
    'image prune --force --filter=label=telepresence.content',
  ]);
});

test("a registry of the user's: what is there, else pulled, else made here", async () => {
  const name = `registry.example.com/tools/telepresence:${version}`;
  const registry = 'registry.example.com/tools';
  const there = await ensured(engine({ image: 'whatever' }), registry);
  assert.deepEqual([there.name, there.said], [name, []]);
  const pulled = await ensured(engine({ pulls: 'theirs' }), registry);
  assert.deepEqual(pulled.said, [`pull --quiet ${name}`]);
  assert.deepEqual(pulled.lines, [`Pulling image ${name}`]);
  const made = await ensured(engine(), registry);
  assert.deepEqual(made.said, [`pull --quiet ${name}`, 'load --quiet']);
});

test('no answer of Docker about an image is harmful', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (printed) => {
      const found = parseImage(printed);
      assert.ok(found === undefined || typeof found.id === 'string');
    }),
  );
});
