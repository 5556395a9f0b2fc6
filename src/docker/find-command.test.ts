import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { candidates, findCommand } from './find-command.ts';

test('the first of PATH that can be run', async () => {
  const env = { PATH: '/usr/local/bin::/usr/bin:/opt/a b' };
  const there = new Set(['/usr/bin/docker', '/opt/a b/docker']);
  const isExecutable = async (path: string): Promise<boolean> => there.has(path);
  const deps = { env, platform: 'linux', isExecutable } as const;
  assert.equal(await findCommand(deps, 'docker'), '/usr/bin/docker');
  assert.equal(await findCommand({ ...deps, env: {} }, 'docker'), undefined);
});

test('on Windows: quoted directories, any case, and no script that only cmd.exe starts', () => {
  const env = { Path: 'C:\\Windows;"C:\\Program Files\\Docker"', PATHEXT: '.COM;.EXE;.BAT;.CMD' };
  assert.deepEqual(candidates({ env, platform: 'win32' }, 'docker'), [
    'C:\\Windows\\docker.COM',
    'C:\\Windows\\docker.EXE',
    'C:\\Program Files\\Docker\\docker.COM',
    'C:\\Program Files\\Docker\\docker.EXE',
  ]);
});

test('every directory of PATH is looked in once, in its order', () => {
  const directory = fc.stringMatching(/^\/[a-z][a-z0-9/ .-]{0,20}[a-z]$/);
  fc.assert(
    fc.property(fc.array(directory), (directories) => {
      const env = { PATH: directories.join(':') };
      const found = candidates({ env, platform: 'darwin' }, 'docker');
      assert.equal(found.length, directories.length);
      for (const path of found) assert.match(path, /\/docker$/);
    }),
  );
});
