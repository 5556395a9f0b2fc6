import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interceptStatusOf, type InterceptCase } from './intercept-status.ts';
import { connection, deploymentView, intercept, pod } from './sample-world.ts';

const startedAt = '2026-01-01T00:10:00Z';
const nowMs = Date.parse(startedAt);
const policies = ['deny of namespace shop'];

const caseWithout: InterceptCase['pods'] = podsWithout();
function podsWithout(): InterceptCase['pods'] {
  let made: ReturnType<typeof pod> | undefined;
  deploymentView((owner) => [(made = pod({ owner, name: 'a' }))]);
  assert.ok(made !== undefined);
  const no = { able: false, asked: false, ending: false, active: false, attached: false };
  return [{ ...no, pod: made, ready: true, message: '' }];
}

/** A pod that is ready, and whose agent runs, since `startedAt`; the agent is attached or not. */
function caseOf(
  afterMs: number,
  more: Partial<InterceptCase & { attached: boolean; ready: boolean; listens: boolean }> = {},
) {
  let made: ReturnType<typeof pod> | undefined;
  deploymentView((owner) => [(made = pod({ owner, name: 'a', agent: {} }))]);
  assert.ok(made !== undefined);
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: startedAt }];
  const facts = {
    ready: more.ready ?? true,
    able: true,
    asked: true,
    ending: false,
    active: false,
    message: '',
  };
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
        pod: {
          ...made,
          status: {
            ...made.status,
            conditions,
            agentStarted: startedAt,
            agentListens: more.listens ?? false,
          },
        },
      },
    ],
    nowMs: nowMs + afterMs,
    startedMs: nowMs - 60_000,
    policies: [],
    ...more,
  });
}

test('an agent that does not come is named, soon and not too soon', () => {
  assert.equal(caseOf(1000).state, 'Waiting');
  assert.equal(caseOf(1000).reason, 'AgentsNotReady');
  assert.equal(caseOf(2000).state, 'Waiting');
  assert.equal(caseOf(2000).reason, 'AgentUnreachable');
  assert.equal(caseOf(19_000).state, 'Waiting');
  const late = caseOf(20_000);
  assert.equal(late.state, 'Error');
  assert.equal(late.reason, 'AgentUnreachable');
  // A starved node may not have let it say its first word.
  assert.equal(caseOf(60_000, { ready: false }).reason, 'AgentsNotReady');
  assert.match(late.message ?? '', /agent in pod a cannot reach the traffic-manager: does a Net/);
});

test('an agent that has waited in vain is named before its pod is ready, and only said', () => {
  const waited = { ready: false, listens: true };
  assert.equal(caseOf(1000, waited).reason, 'AgentsNotReady');
  assert.equal(caseOf(2000, waited).reason, 'AgentUnreachable');
  // The app may be slow to start on a node that is slow for the agent too.
  assert.equal(caseOf(60_000, waited).state, 'Waiting');
  assert.equal(caseOf(2000, { ...waited, attached: true }).reason, 'AgentsNotReady');
});

test('where a policy forbids it, two seconds are enough, and it is named', () => {
  assert.equal(caseOf(1000, { policies }).reason, 'AgentsNotReady');
  assert.equal(caseOf(2000, { policies, ready: false }).state, 'Error');
  const verdict = caseOf(2000, { policies });
  assert.equal(verdict.state, 'Error');
  assert.match(verdict.message ?? '', /, as NetworkPolicy deny of namespace shop does not let it$/);
  // Asked again, of an agent that has tried all the time.
  const again = { ...intercept(connection()) };
  const metadata = { ...again.metadata, creationTimestamp: '2026-01-01T00:20:00Z' };
  const asked = { policies, intercept: { ...again, metadata } };
  assert.equal(caseOf(600_000, asked).state, 'Error');
  assert.equal(caseOf(600_000, { ...asked, policies: [] }).state, 'Waiting');
});

test('an agent that is there, or whose manager has just begun, is waited for', () => {
  for (const known of [[], policies]) {
    assert.equal(caseOf(60_000, { policies: known, attached: true }).state, 'Waiting');
    assert.equal(caseOf(5000, { policies: known, startedMs: nowMs }).state, 'Waiting');
  }
});

test('before the pods have agents, the policy is said and tried all the same', () => {
  const said = caseOf(0, { policies, pods: caseWithout });
  assert.equal(said.state, 'Waiting');
  assert.match(said.message ?? '', /NetworkPolicy deny of namespace shop may keep from/);
});
