import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viaHeader } from '#protocol/flow-headers.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { serveSession, type IncomingFlow } from '#tunnel/server-session.ts';
import { sessionDeps } from '#tunnel/session.fixture.ts';
import { alice, bob, connections } from './test-people.ts';
import { testRelay, type TestRelay } from './test-relay.ts';

const never = new AbortController().signal;
const ofAlice = connections.map((one) => ({
  ...one,
  via: one.uid === alice.uid ? [{ workload: 'echo', podUids: ['pod-2'] }] : [],
}));
const wanted = { connections: ofAlice, intercepts: [], dialableSubnets: ['10.0.0.0/8'] };
const forbidden = { code: 'Forbidden' };

/** Agents of two pods in the namespace that both people are connected to; each answers by its name. */
async function agents(relay: TestRelay, came: string[], pods = ['pod-1', 'pod-2']) {
  for (const podUid of pods) {
    relay.controller.tokens.set(podUid, { namespace: 'shop', pod: podUid, podUid });
    serveSession(await relay.agent(podUid, 'outbound'), {
      ...sessionDeps,
      onFlow(flow: IncomingFlow) {
        came.push(`${podUid} ${flow.kind} ${flow.authority} ${String(flow.headers[viaHeader])}`);
        flow.accept().stream.resume();
      },
    });
  }
  const attached = pods.length;
  await relay.controller.facts(
    (facts) => facts.agents.filter((agent) => agent.outboundSessions === 1).length === attached,
  );
}

const openBy =
  (laptop: ClientSession) =>
  async (authority: string, workload: string, kind: 'tcp' | 'udp' = 'tcp') =>
    await laptop.openFlow({ authority, kind, headers: { [viaHeader]: workload }, signal: never });

test('a flow leaves from the workload that the Connection names', async () => {
  await using relay = await testRelay();
  await relay.controller.want(wanted);
  const came: string[] = [];
  await agents(relay, came);
  const open = openBy(openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps));
  await open('10.1.2.3:80', 'echo');
  await open('10.1.2.3:53', 'echo', 'udp');
  assert.deepEqual(came, ['pod-2 tcp 10.1.2.3:80 undefined', 'pod-2 udp 10.1.2.3:53 undefined']);
});

test('attack: by no workload that one’s own Connection does not name, and to no further place', async () => {
  await using relay = await testRelay();
  await relay.controller.want(wanted);
  const came: string[] = [];
  await agents(relay, came);
  const owner = openBy(openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps));
  const other = openBy(openClientSession(await relay.laptop(bob, 'outbound'), sessionDeps));
  await assert.rejects(other('10.1.2.3:80', 'echo'), forbidden, 'named by somebody else');
  for (const name of ['web', '', 'pod-2', '*']) {
    await assert.rejects(owner('10.1.2.3:80', name), forbidden, name);
  }
  for (const place of [
    '127.0.0.1:80',
    '[::1]:80',
    '169.254.169.254:80',
    '192.0.2.1:80',
    '224.0.0.1:80',
    'localhost:80',
  ]) {
    await assert.rejects(owner(place, 'echo'), forbidden, place);
  }
  assert.deepEqual(came, []);
  // And no longer than the Connection names it.
  await relay.controller.want({ ...wanted, connections });
  await assert.rejects(owner('10.1.2.3:80', 'echo'), forbidden);
});

test('without an agent there it is unavailable: nobody else dials in its place', async () => {
  await using relay = await testRelay();
  await relay.controller.want(wanted);
  const came: string[] = [];
  await agents(relay, came, ['pod-1']);
  const open = openBy(openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps));
  await assert.rejects(open('10.1.2.3:80', 'echo'), { code: 'Unavailable' });
  assert.deepEqual(came, []);
});
