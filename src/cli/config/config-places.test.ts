import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configPlaces } from './config-places.ts';

const home = '/home/ann';
const linux = (env: Record<string, string> = {}) => configPlaces({ env, home, platform: 'linux' });

test('Linux: the XDG directories', () => {
  assert.deepEqual(linux(), {
    user: '/home/ann/.config/telepresence/config.yml',
    machine: ['/etc/xdg/telepresence/config.yml'],
  });
  assert.deepEqual(linux({ XDG_CONFIG_HOME: '/c', XDG_CONFIG_DIRS: '/a:relative:/b' }), {
    user: '/c/telepresence/config.yml',
    machine: ['/a/telepresence/config.yml', '/b/telepresence/config.yml'],
  });
  assert.equal(
    linux({ XDG_CONFIG_HOME: 'relative' }).user,
    '/home/ann/.config/telepresence/config.yml',
  );
  assert.deepEqual(linux({ XDG_CONFIG_DIRS: '' }).machine, ['/etc/xdg/telepresence/config.yml']);
});

test('macOS: Application Support, whatever XDG says', () => {
  const env = { XDG_CONFIG_HOME: '/c' };
  assert.deepEqual(configPlaces({ env, home: '/Users/ann', platform: 'darwin' }), {
    user: '/Users/ann/Library/Application Support/telepresence/config.yml',
    machine: [],
  });
});

test('Windows: %APPDATA%', () => {
  const windows = (env: Record<string, string>) =>
    configPlaces({ env, home: 'C:\\Users\\ann', platform: 'win32' }).user;
  const usual = 'C:\\Users\\ann\\AppData\\Roaming\\telepresence\\config.yml';
  assert.equal(windows({ APPDATA: 'C:\\Users\\ann\\AppData\\Roaming' }), usual);
  assert.equal(windows({}), usual);
});
