import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { connection as schema, type Connection } from '#protocol/resources.ts';
import { connection } from '../state/sample-world.ts';
import { fakeApi, type ApiCall } from './fake-api.fixture.ts';
import { connections } from './resources.ts';
import { createStatusWriter, type StatusWriter } from './status-writer.ts';

function writerOf(answer: (call: ApiCall) => unknown): {
  writer: StatusWriter<Connection>;
  calls: ApiCall[];
  retried: Promise<void>;
} {
  const retried = Promise.withResolvers<void>();
  const client = fakeApi(answer);
  const writer = createStatusWriter(
    { client, clock: systemClock, log: silentLogger, onRetry: () => retried.resolve() },
    { resource: connections, schema, signal: new AbortController().signal },
  );
  return { writer, calls: client.calls, retried: retried.promise };
}

const version = (
  one: Connection,
  resourceVersion: string,
  status: Connection['status'],
): Connection => ({
  ...one,
  metadata: { ...one.metadata, resourceVersion },
  status,
});
const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

test('writes what differs, to that very object, and believes itself until the watch knows more', async () => {
  const old = version(connection(), '9', { state: 'Connected', message: 'x' });
  const written = version(old, '10', { state: 'Disconnected' });
  const { writer, calls } = writerOf(() => written);
  writer.write(old, { state: 'Connected', message: 'x' });
  assert.equal(calls.length, 0);
  writer.write(old, { state: 'Disconnected' });
  await turn();
  assert.deepEqual(
    calls.map((call) => [call.verb, call.subresource, call.body]),
    [
      [
        'patch',
        'status',
        { metadata: { uid: old.metadata.uid }, status: { state: 'Disconnected', message: null } },
      ],
    ],
  );
  assert.equal(writer.freshest([old])[0]?.status.state, 'Disconnected');
  const later = version(old, '11', { state: 'Connected' });
  assert.equal(writer.freshest([later])[0]?.status.state, 'Connected');
});

test('one write at a time: what came during it is looked at again', async () => {
  const old = version(connection(), '1', {});
  const { writer, calls, retried } = writerOf(() => version(old, '2', { message: 'a' }));
  writer.write(old, { message: 'a' });
  writer.write(old, { message: 'b' });
  await retried;
  assert.equal(calls.length, 1);
});
