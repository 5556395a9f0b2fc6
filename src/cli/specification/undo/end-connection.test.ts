import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingContext } from '../../testing.fixture.ts';
import { endConnection } from './end-connection.ts';

test('where nobody can tell whether the connection is there, that is said, and all else is undone', async () => {
  const { context, lines } = recordingContext();
  // No directory: its sockets cannot be listed.
  const places = { ...context.places, runtimeDir: '/dev/null' };
  await endConnection({ ...context, places }, { connection: 'dev-shop' });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /warning: the connection dev-shop could not be ended \(.*ENOTDIR/);
});
