import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { StatusResponseSchema } from '#protocol/gen/telepresence_pb.ts';
import { createUserDaemonClient } from '../daemon/user-daemon-client.ts';
import type { RunConnection } from './handlers/handler-kind.ts';
import { refuseTakenNames } from './refuse-taken-names.ts';

const { signal } = new AbortController();

function connection(name: string, ...intercepts: readonly string[]): RunConnection {
  const there = intercepts.map((each) => ({ name: each }));
  const status = create(StatusResponseSchema, { intercepts: there });
  const daemon = {
    ...createUserDaemonClient('/nowhere'),
    status: async () => await Promise.resolve(status),
  };
  return { name, daemon, inDocker: undefined, context: 'c', namespace: 'n' };
}

test('an intercept that somebody has made is not taken over', async () => {
  const [a, b] = [connection('a', 'other'), connection('b', 'hello')];
  await refuseTakenNames({ signal }, [{ name: 'hello', connection: a }]);
  const both = [
    { name: 'hello', connection: a },
    { name: 'hello', connection: b },
  ];
  await assert.rejects(refuseTakenNames({ signal }, both), {
    message: 'there is an intercept hello already',
  });
});
