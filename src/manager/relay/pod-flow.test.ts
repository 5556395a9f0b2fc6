import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { serveSession, type IncomingFlow } from '#tunnel/server-session.ts';
import type { FlowKind } from '#tunnel/flow-kind.ts';
import { sessionDeps } from '#tunnel/session.fixture.ts';
import { alice, bob, connections, hello } from './test-people.ts';
import { testRelay, type TestRelay } from './test-relay.ts';

const never = new AbortController().signal;
const wanted = { connections, intercepts: [hello], dialableSubnets: ['0.0.0.0/0', '::/0'] };

/** Agents of the intercepted pod and of another one of the same namespace. */
async function agents(relay: TestRelay, onFlow: (podUid: string, flow: IncomingFlow) => void) {
  for (const podUid of ['pod-1', 'pod-2']) {
    relay.controller.tokens.set(podUid, { namespace: 'shop', pod: podUid, podUid });
    serveSession(await relay.agent(podUid, 'outbound'), {
      ...sessionDeps,
      onFlow: (flow) => onFlow(podUid, flow),
    });
  }
  await relay.controller.facts(
    (facts) => facts.agents.filter((agent) => agent.outboundSessions === 1).length === 2,
  );
}

const openTo =
  (laptop: ClientSession) =>
  (authority: string, more: { readonly uid?: string; readonly kind?: FlowKind } = {}) =>
    laptop.openFlow({
      authority,
      ...(more.kind === undefined ? {} : { kind: more.kind }),
      headers: more.uid === undefined ? {} : { [interceptHeader]: more.uid },
      signal: never,
    });

test('a flow for the intercepted pod goes to its agent, with the intercept’s name', async () => {
  await using relay = await testRelay();
  await relay.controller.want(wanted);
  const came: string[] = [];
  await agents(relay, (podUid, flow) => {
    const { kind, authority, headers } = flow;
    came.push(`${podUid} ${kind} ${authority} ${String(headers[interceptHeader])}`);
    flow.accept().stream.resume();
  });
  const laptop = openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps);
  const open = openTo(laptop);
  const { stream } = await open('127.0.0.1:5432', hello);
  await open('127.0.0.1:53', { ...hello, kind: 'udp' });
  assert.deepEqual(came, [
    `pod-1 tcp 127.0.0.1:5432 ${hello.uid}`,
    `pod-1 udp 127.0.0.1:53 ${hello.uid}`,
  ]);
  // And is open no longer than the intercept is there.
  stream.resume();
  const reset = once(stream, 'error', { signal: AbortSignal.timeout(10_000) });
  await relay.controller.want({ ...wanted, intercepts: [] });
  await reset;
  await assert.rejects(open('127.0.0.1:5432', hello), { code: 'Forbidden' });
});

test('attack: nobody gets to a pod’s loopback but by an intercept of their own', async () => {
  await using relay = await testRelay();
  await relay.controller.want(wanted);
  const came: string[] = [];
  await agents(relay, (podUid, flow) => {
    came.push(`${podUid} ${flow.authority} ${String(flow.headers[interceptHeader])}`);
    flow.refuse('Refused');
  });
  const owner = openTo(openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps));
  const other = openTo(openClientSession(await relay.laptop(bob, 'outbound'), sessionDeps));
  const forbidden = { code: 'Forbidden' };
  await assert.rejects(other('127.0.0.1:5432', hello), forbidden);
  await assert.rejects(other('127.0.0.1:53', { ...hello, kind: 'udp' }), forbidden);
  for (const authority of [
    '10.244.0.7:80',
    '127.0.0.2:80',
    '127.0.74.39:8080',
    '[::1]:80',
    'localhost:80',
    '127.0.0.1:0',
  ]) {
    await assert.rejects(owner(authority, hello), forbidden, authority);
  }
  await assert.rejects(owner('127.0.0.1:5432', { uid: 'no-such' }), forbidden);
  await assert.rejects(owner('127.0.0.1:5432', { uid: '' }), forbidden);
  await assert.rejects(owner('127.0.0.1:5432'), forbidden);
  await assert.rejects(owner('127.0.0.1:7', { ...hello, kind: 'echo' }), forbidden);
  assert.deepEqual(came, []);
});

test('without an agent it is unavailable, never dialled by the relay', async () => {
  await using relay = await testRelay();
  await relay.controller.want(wanted);
  const open = openTo(openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps));
  await assert.rejects(open('127.0.0.1:5432', hello), { code: 'Unavailable' });
});
