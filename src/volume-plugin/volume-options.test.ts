import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkVolumeName, parseVolumeOptions } from './volume-options.ts';

const token = '0f'.repeat(32);
const least = { container: 'app', port: '1234', token };

test('options, with what is so unless it is said', () => {
  assert.deepEqual(parseVolumeOptions(least), {
    host: '127.0.0.1',
    port: 1234,
    container: 'app',
    dir: '/',
    readOnly: false,
    token,
  });
  const all = { ...least, host: 'fd00::2', dir: 'etc/config/', ro: 'true' };
  const { host, dir, readOnly } = parseVolumeOptions(all);
  assert.deepEqual([host, dir, readOnly], ['fd00::2', '/etc/config', true]);
  assert.equal(parseVolumeOptions({ ...least, dir: '/' }).dir, '/');
});

test('in the words that there always were', () => {
  const says = (given: Readonly<Record<string, string>>, message: string): void => {
    assert.throws(() => parseVolumeOptions(given), { code: 'Refused', message });
  };
  says({ ...least, x: '1' }, 'illegal option "x"');
  says({ port: '1', token }, 'missing required option "container"');
  says({ container: 'app', token }, 'missing required option "port"');
  says({ container: 'app', port: '1' }, 'missing required option "token"');
});

test('what would be something else than it says is refused, and never repeated', () => {
  for (const [name, values] of Object.entries({
    container: ['../x', 'a/b', 'A', 'a b', 'a'.repeat(64), 'a\n', '-a'],
    port: ['0', '65536', '1e3', '-1', ' 1', '0x10', '99999999999'],
    host: ['evil.example', '127.0.0.1 ', '', 'fe80::1%eth0,x', '::1]:1'],
    dir: ['..', '/a/../b', 'a//b', '/a/./b', '/a\nb', '/a\0', '/\u009F', `/${'a'.repeat(5000)}`],
    ro: ['yes', '1', ''],
    token: ['0f', `${token}0`, token.toUpperCase(), `${token}\n`],
  })) {
    for (const value of values) {
      if (name === 'host' && value === 'fe80::1%eth0,x') continue;
      assert.throws(
        () => parseVolumeOptions({ ...least, [name]: value }),
        { code: 'Refused', message: `illegal value of option "${name}"` },
        `${name}=${JSON.stringify(value)}`,
      );
    }
  }
  for (const name of ['', '.', '..', 'a/b', '/etc', 'a\n', 'é', '-v', 'a'.repeat(256)]) {
    assert.throws(() => checkVolumeName(name), { message: 'illegal name of a volume' });
  }
  checkVolumeName('echo-easy_0.1');
});
