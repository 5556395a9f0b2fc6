import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeTurns } from './turns.ts';

test('one after another, also after a failure; who waits is told for what, and may go', async () => {
  const inTurn = takeTurns();
  const first = Promise.withResolvers<undefined>();
  const ran: string[] = [];
  const told: string[] = [];
  const signal = new AbortController().signal;
  const waiting = { report: (text: string) => void told.push(text), signal };
  const one = inTurn('intercept one', async () => await first.promise, waiting);
  const goes = new AbortController();
  const two = inTurn(
    'intercept two',
    async () => {
      ran.push('two');
      await Promise.resolve();
    },
    { ...waiting, signal: goes.signal },
  );
  const three = inTurn(
    'intercept three',
    async () => {
      ran.push('three');
      return await Promise.resolve(3);
    },
    waiting,
  );
  assert.deepEqual(told, [
    'waiting for the end of intercept one',
    'waiting for the end of intercept one',
  ]);
  goes.abort(new Error('Ctrl-C'));
  await assert.rejects(two, { message: 'Ctrl-C' });
  assert.deepEqual(ran, []);
  first.reject(new Error('no such'));
  await assert.rejects(one, { message: 'no such' });
  assert.equal(await three, 3);
  assert.deepEqual(ran, ['three']);
});
