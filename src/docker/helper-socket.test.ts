import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { helperSockets } from './helper-socket.ts';

test('unix sockets in a directory of the user', () => {
  const sockets = helperSockets('/run/user/1000/telepresence', 'linux');
  assert.equal(sockets.directory, '/run/user/1000/telepresence/docker');
  assert.match(
    sockets.pathOf('default-default'),
    /^\/run\/user\/1000\/telepresence\/docker\/[0-9a-f]{16}\.sock$/,
  );
  // macOS takes 104 bytes, Linux 108.
  const mac = helperSockets('/tmp/telepresence-501', 'darwin');
  assert.ok(mac.pathOf('x'.repeat(300)).length < 104);
});

test('named pipes on Windows, each of one user', () => {
  const ann = helperSockets('C:\\Users\\ann\\AppData\\Local\\telepresence\\run', 'win32');
  const bob = helperSockets('C:\\Users\\bob\\AppData\\Local\\telepresence\\run', 'win32');
  assert.equal(ann.directory, '\\\\.\\pipe\\');
  assert.match(ann.pathOf('a'), /^\\\\\.\\pipe\\telepresence-[0-9a-f]{8}-[0-9a-f]{16}\.sock$/);
  assert.notEqual(ann.pathOf('a'), bob.pathOf('a'));
  const name = ann.pathOf('a').slice(ann.directory.length);
  assert.deepEqual([ann.owns(name), bob.owns(name)], [true, false]);
});

test('each connection has a place of its own, which is known for one', () => {
  const platform = fc.constantFrom('linux' as const, 'darwin' as const, 'win32' as const);
  const connection = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(platform, connection, connection, (on, one, other) => {
      const sockets = helperSockets('/run/x', on);
      assert.equal(sockets.pathOf(one) === sockets.pathOf(other), one === other);
      const name = sockets.pathOf(one).split(/[\\/]/).at(-1) ?? '';
      assert.ok(sockets.owns(name));
      assert.ok(!sockets.owns(`${name}.1`));
    }),
  );
});
