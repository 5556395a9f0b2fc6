import assert from 'node:assert/strict';
import { test } from 'node:test';

import { create, type MessageInitShape } from '@bufbuild/protobuf';

import { silentLogger } from '#base/log.ts';
import { TakesReportReplySchema, type TakesReportSchema } from '#protocol/gen/telepresence_pb.ts';

import { createReporter, type TakesFact } from './report.ts';

const fact = (epoch: bigint): TakesFact => ({ epoch, outcomes: [] });

/** A manager that answers each report when the test says so. */
function manager() {
  const epochs: (bigint | undefined)[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  return {
    epochs,
    answers,
    async reportTakes(report: MessageInitShape<typeof TakesReportSchema>) {
      epochs.push(report.epoch);
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      await answer.promise;
      return create(TakesReportReplySchema);
    },
  };
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
}

test('the newest is told, one call at a time', async () => {
  const reporter = createReporter({ log: silentLogger });
  const first = manager();
  reporter.report(fact(1n));
  reporter.attach(first);
  assert.deepEqual(first.epochs, [1n]);
  reporter.report(fact(2n));
  reporter.report(fact(3n));
  assert.deepEqual(first.epochs, [1n]);
  first.answers[0]?.resolve();
  await settled();
  assert.deepEqual(first.epochs, [1n, 3n]);
});

test('what a lost manager was not told is told to the next', async () => {
  const reporter = createReporter({ log: silentLogger });
  const lost = manager();
  reporter.attach(lost);
  reporter.report(fact(1n));
  lost.answers[0]?.reject(new Error('session ended'));
  await settled();
  reporter.report(fact(2n));
  assert.deepEqual(lost.epochs, [1n], 'it is not asked again');
  const next = manager();
  reporter.attach(next);
  assert.deepEqual(next.epochs, [2n]);
});

test('an older session that ends does not silence the newer one', () => {
  const reporter = createReporter({ log: silentLogger });
  const older = manager();
  const newer = manager();
  reporter.attach(older);
  reporter.attach(newer);
  reporter.detach(older);
  reporter.report(fact(1n));
  assert.deepEqual(newer.epochs, [1n]);
});
