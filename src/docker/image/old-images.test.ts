import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DockerCommand } from '../command.ts';
import { olderImages, removeOldImages } from './old-images.ts';

const name = 'telepresence/telepresence:0.10.0';
const listed = [
  'telepresence/telepresence\t0.10.0',
  'telepresence/telepresence\t0.9.3',
  'telepresence/telepresence\t0.10.0-rc.1',
  'telepresence/telepresence\t0.11.0',
  'telepresence/telepresence\t1.0.0',
  'telepresence/telepresence\t<none>',
  'telepresence/tel2\t0.9.3',
  'registry.example.com/telepresence\t0.9.3',
  '',
].join('\n');

test('earlier versions of the same image, and nothing else', () => {
  assert.deepEqual(olderImages(listed, name), [
    'telepresence/telepresence:0.9.3',
    'telepresence/telepresence:0.10.0-rc.1',
  ]);
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => void olderImages(a, b)));
});

test("only this user's are asked for, and one that is in use stays", async () => {
  const said: string[] = [];
  const run: DockerCommand['run'] = async (args) => {
    said.push(args.join(' '));
    const isRemoval = args[1] === 'rm';
    return await Promise.resolve({
      status: isRemoval ? 1 : 0,
      stdout: isRemoval ? '' : listed,
      stderr: 'image is being used by running container 3f',
    });
  };
  const docker = { path: 'docker', env: {}, run };
  const signal = AbortSignal.timeout(5000);
  await removeOldImages({ docker }, { laptop: 'abc', name, signal });
  const [ask, ...removals] = said;
  assert.match(ask ?? '', /^image ls --filter label=telepresence\.made-by=abc /);
  assert.deepEqual(removals, [
    'image rm telepresence/telepresence:0.9.3',
    'image rm telepresence/telepresence:0.10.0-rc.1',
  ]);
});
