import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { InterceptInfoSchema } from '#protocol/gen/telepresence_pb.ts';
import { recordingContext } from '../testing.fixture.ts';
import type { RunIntercept } from './make-intercepts.ts';
import { interceptSpec } from './specification.fixture.ts';
import { waitForEnd } from './wait-for-end.ts';

const never = new Promise<never>(() => {});

function intercept(ended: Promise<string>): Pick<RunIntercept, 'made' | 'ended' | 'planned'> {
  const info = create(InterceptInfoSchema, { name: 'quote' });
  const spec = interceptSpec({ handler: 'h' });
  const planned = { spec, workload: 'quote', namespace: undefined, connection: undefined };
  return { made: { info }, ended, planned };
}

/** What is said, and the exit code. */
async function ended(
  handlers: readonly Promise<number>[],
  intercepts: readonly Promise<string>[],
  end = new AbortController().signal,
): Promise<readonly [number, readonly string[]]> {
  const { context, lines } = recordingContext();
  const running = handlers.map((each, at) => ({ name: `h${String(at)}`, ended: each }));
  const status = await waitForEnd(context, running, intercepts.map(intercept), end);
  return [status, lines];
}

test('a handler that ends ends the run, with its exit code', async () => {
  assert.deepEqual(await ended([never, Promise.resolve(3)], [never]), [
    3,
    [
      '! telepresence intercept run: warning: handler h1 has ended with exit code 3; everything is taken back',
    ],
  ]);
  assert.deepEqual(await ended([Promise.resolve(0)], [never]), [
    0,
    ['! telepresence intercept run: warning: handler h0 has ended; everything is taken back'],
  ]);
});

test('an intercept that ends elsewhere is what one is told, though its handler was killed first', async () => {
  const said =
    '! telepresence intercept run: warning: the intercept quote has ended; the handlers are stopped';
  assert.deepEqual(await ended([never], [never, Promise.resolve('')]), [0, [said]]);
  const later = new Promise<string>((resolve) => {
    setImmediate(() => resolve(''));
  });
  assert.deepEqual(await ended([Promise.resolve(137)], [later]), [0, [said]]);
});

test('an intercept that is taken away is a failure', async () => {
  const said =
    '! telepresence intercept run: warning: the intercept quote has ended: taken over; the handlers are stopped';
  const why = Promise.resolve('taken over');
  assert.deepEqual(await ended([never], [never, why]), [1, [said]]);
  assert.deepEqual(await ended([Promise.resolve(137)], [why]), [1, [said]]);
});

test('Ctrl-C is no failure', async () => {
  assert.deepEqual(await ended([never], [never], AbortSignal.abort()), [0, []]);
});
