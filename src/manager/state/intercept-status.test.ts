import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interceptStatusOf, type InterceptCase } from './intercept-status.ts';
import { connection, deploymentView, intercept, pod } from './sample-world.ts';

const readyAt = '2026-01-01T00:10:00Z';
const nowMs = Date.parse(readyAt);

/** A pod that is ready since `readyAt`, whose agent is attached or not. */
function caseOf(afterMs: number, more: Partial<InterceptCase & { attached: boolean }> = {}) {
  let made: ReturnType<typeof pod> | undefined;
  deploymentView((owner) => [(made = pod({ owner, name: 'a', agent: {} }))]);
  assert.ok(made !== undefined);
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: readyAt }];
  const facts = { ready: true, able: true, asked: true, ending: false, active: false, message: '' };
  const asked = intercept(connection());
  const metadata = { ...asked.metadata, creationTimestamp: '2026-01-01T00:09:50Z' };
  return interceptStatusOf({
    intercept: { ...asked, metadata },
    target: undefined,
    refusal: undefined,
    live: true,
    pods: [
      {
        ...facts,
        attached: more.attached ?? false,
        pod: { ...made, status: { ...made.status, conditions } },
      },
    ],
    nowMs: nowMs + afterMs,
    startedMs: nowMs - 60_000,
    ...more,
  });
}

test('an agent that does not come is named, soon and not too soon', () => {
  assert.equal(caseOf(2000).state, 'Waiting');
  assert.equal(caseOf(2000).reason, 'AgentsNotReady');
  assert.equal(caseOf(3000).state, 'Waiting');
  assert.equal(caseOf(3000).reason, 'AgentUnreachable');
  const late = caseOf(12_000);
  assert.equal(late.state, 'Error');
  assert.equal(late.reason, 'AgentUnreachable');
  assert.match(late.message ?? '', /agent in pod a cannot reach the traffic-manager/);
});

test('an agent that is there, or whose manager has just begun, is waited for', () => {
  assert.equal(caseOf(60_000, { attached: true }).state, 'Waiting');
  assert.equal(caseOf(5000, { startedMs: nowMs }).state, 'Waiting');
});
