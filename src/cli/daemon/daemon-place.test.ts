import assert from 'node:assert/strict';
import { test } from 'node:test';
import { globalFlags } from '../commands/specs/shared-flags.ts';
import { CliError } from '../errors.ts';
import { parseLine } from '../parse/parse-line.ts';
import { containerNotice, onPlatform } from './daemon-place.ts';
import { findPlaces } from './places.ts';

const line = (...argv: readonly string[]) => parseLine(globalFlags.flags, { names: [] }, argv);

test('on Linux it is as asked', () => {
  for (const [argv, on] of [
    [[], false],
    [['--docker'], true],
    [['--docker=false'], false],
  ] as const) {
    assert.equal(onPlatform(line(...argv), 'linux').on('docker'), on);
    assert.equal(containerNotice('linux', line(...argv)), undefined);
  }
});

test('elsewhere it is a container, which is said to whoever has not asked for it', () => {
  for (const [platform, system] of [
    ['darwin', 'macOS'],
    ['win32', 'Windows'],
    ['openbsd', 'openbsd'],
  ] as const) {
    assert.equal(onPlatform(line(), platform).on('docker'), true);
    assert.equal(onPlatform(line(), platform).on('no-report'), false);
    assert.equal(
      containerNotice(platform, line()),
      `On ${system} the daemon runs in a container, as with --docker: there is no other way yet.`,
    );
    assert.equal(containerNotice(platform, line('--docker')), undefined);
    assert.throws(
      () => onPlatform(line('--docker=false'), platform),
      (error) => error instanceof CliError && error.message.startsWith(`on ${system} the daemon`),
    );
  }
});

test('each platform keeps its files where its programs do', () => {
  const mac = findPlaces({ env: {}, home: '/Users/ann', uid: 501, platform: 'darwin' });
  assert.deepEqual(
    [mac.runtimeDir, mac.logDir, mac.cacheDir],
    [
      '/tmp/telepresence-501',
      '/Users/ann/Library/Logs/telepresence',
      '/Users/ann/Library/Caches/telepresence',
    ],
  );
  const env = { LOCALAPPDATA: 'C:\\Users\\ann\\AppData\\Local', XDG_STATE_HOME: '/ignored' };
  const windows = findPlaces({ env, home: 'C:\\Users\\ann', uid: 0, platform: 'win32' });
  const own = 'C:\\Users\\ann\\AppData\\Local\\telepresence';
  assert.deepEqual(
    [windows.runtimeDir, windows.logDir, windows.cacheDir],
    [`${own}\\run`, `${own}\\logs`, `${own}\\cache`],
  );
  const bare = findPlaces({ env: {}, home: 'C:\\Users\\ann', uid: 0, platform: 'win32' });
  assert.equal(bare.runtimeDir, windows.runtimeDir);
});
