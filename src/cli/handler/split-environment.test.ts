import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitEnvironment } from './split-environment.ts';

test('what a line cannot hold is named in the file, and stands in the command’s environment', () => {
  const lines = '-----BEGIN\nabc\n';
  assert.deepEqual(splitEnvironment({ A: 'b', CERT: lines, EMPTY: '' }, 'linux'), {
    file: 'A=b\nEMPTY=\nCERT\n',
    own: { CERT: lines },
    left: [],
  });
});

test('what changes what the docker command does is never given to it', () => {
  const names = [
    'DOCKER_HOST',
    'PATH',
    'HOME',
    'https_proxy',
    'LD_PRELOAD',
    'BUILDKIT_HOST',
    'NO_PROXY',
  ];
  const environment = Object.fromEntries(names.map((name) => [name, 'a\nb']));
  const { file, own, left } = splitEnvironment(environment, 'linux');
  assert.deepEqual([file, own], ['', {}]);
  assert.deepEqual([...left].toSorted(), names.toSorted());
  // Of one line they are the container's, by the file alone.
  assert.deepEqual(splitEnvironment({ DOCKER_HOST: 'x' }, 'linux').file, 'DOCKER_HOST=x\n');
});

test('each variable goes one way, or is named as left', () => {
  const environments = fc.dictionary(fc.string(), fc.string());
  fc.assert(
    fc.property(environments, (environment) => {
      const { file, own, left } = splitEnvironment(environment, 'linux');
      const lines = file.split('\n').slice(0, -1);
      for (const [name, value] of Object.entries(environment)) {
        const ways = [
          lines.includes(`${name}=${value}`),
          lines.includes(name) && own[name] === value,
          left.includes(name),
        ];
        assert.equal(ways.filter(Boolean).length, 1, JSON.stringify([name, value]));
      }
      assert.equal(lines.length + left.length, Object.keys(environment).length);
    }),
  );
});
