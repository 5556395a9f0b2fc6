import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dockerEnvFile, jsonEnvFile } from './env-file.ts';

/** How `docker run --env-file` reads one (docker/cli opts/envfile.go). */
function asDockerReads(text: string): Record<string, string> {
  const read: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const at = trimmed.indexOf('=');
    assert.notEqual(at, -1);
    assert.doesNotMatch(trimmed.slice(0, at), /\s/);
    Object.defineProperty(read, trimmed.slice(0, at), {
      value: trimmed.slice(at + 1),
      enumerable: true,
    });
  }
  return read;
}

test('what docker reads is what the container has, but for what is named as left out', () => {
  const name = fc.stringMatching(/^[!-<>-~]{1,12}$/);
  const value = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('a\nb=c\n'));
  fc.assert(
    fc.property(fc.dictionary(name, value), (environment) => {
      const { text, left } = dockerEnvFile(environment);
      const kept = Object.entries(environment).filter(([key]) => !left.includes(key));
      assert.deepEqual(asDockerReads(text), Object.fromEntries(kept));
      for (const key of left) {
        assert.ok(/[\r\n\0]/.test(environment[key] ?? '') || key.startsWith('#'));
      }
    }),
  );
});

test('JSON holds everything, line breaks too', () => {
  const environment = { B: 'x\ny', A: '"q"', __proto__x: '' };
  assert.deepEqual(JSON.parse(jsonEnvFile(environment)), environment);
  assert.match(jsonEnvFile(environment), /^\{\n {2}"A"/);
});
