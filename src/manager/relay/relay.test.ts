import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import {
  interceptHeader,
  patienceHeader,
  sourceHeader,
  takenPortHeader,
} from '#protocol/flow-headers.ts';
import { Agent, AgentControl, Cluster } from '#protocol/gen/telepresence_pb.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import type { Flow } from '#tunnel/flow.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';
import { serveSession, type IncomingFlow } from '#tunnel/server-session.ts';
import type { FlowKind } from '#tunnel/flow-kind.ts';
import { sessionDeps } from '#tunnel/session.fixture.ts';
import { alice, bob, connections, pod, hello } from './test-people.ts';
import { connectionOf, testRelay, type TestRelay } from './test-relay.ts';

const never = new AbortController().signal;

/** Loopback, as if it were a pod's: everything else about it is real. */
async function echoServer(): Promise<{ port: number } & AsyncDisposable> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end('.'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

async function readAll({ stream }: Flow): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

async function agentSessions(
  test: TestRelay,
  onFlow: (flow: IncomingFlow) => void,
): Promise<{ inbound: ReturnType<typeof openClientSession> }> {
  test.controller.tokens.set('token-1', pod);
  const rpc = connectNodeAdapter({
    routes: (router) =>
      void router.service(Agent, {
        getEnvironment: ({ container }, context) => ({
          container,
          environment: { SECRET: 'x', SEEN: context.requestHeader.get(interceptHeader) ?? '' },
        }),
      }),
  });
  serveSession(await test.agent('token-1', 'outbound'), { ...sessionDeps, onFlow, rpc });
  const inbound = openClientSession(await test.agent('token-1', 'inbound'), sessionDeps);
  await test.controller.facts((facts) =>
    facts.agents.some((agent) => agent.inboundSessions === 1 && agent.outboundSessions === 1),
  );
  return { inbound };
}

test('control connections of both reach the controller, named', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections });
  relay.controller.tokens.set('token-1', pod);
  const laptop = openClientSession(await relay.laptop(alice, 'control'), sessionDeps);
  const answer = await createClient(Cluster, rpcTransport(laptop)).lookup({});
  assert.deepEqual([...answer.answer], [7]);
  const agent = openClientSession(await relay.agent('token-1', 'control'), sessionDeps);
  await createClient(AgentControl, rpcTransport(agent)).reportTakes({});
  assert.deepEqual(relay.controller.callers, [`laptop ${alice.uid}`, 'agent pod-1']);
  await assert.rejects(createClient(AgentControl, rpcTransport(laptop)).reportTakes({}));
});

test('an agent dials for its laptop; ends, refusals and early bytes pass through', async () => {
  await using relay = await testRelay();
  await using echo = await echoServer();
  await relay.controller.want({
    connections,
    intercepts: [hello],
    dialableSubnets: ['10.96.0.0/12'],
  });
  const asked: string[] = [];
  await agentSessions(relay, (flow) => {
    asked.push(flow.authority);
    if (flow.authority.endsWith(':81')) {
      flow.refuse('Refused');
      return;
    }
    const socket = net.connect({ port: echo.port, host: '127.0.0.1', allowHalfOpen: true });
    const { stream } = flow.accept();
    stream.on('data', (chunk) => socket.write(chunk));
    stream.on('end', () => socket.end());
    socket.on('data', (chunk) => stream.write(chunk));
    socket.on('end', () => stream.end());
  });
  const laptop = openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps);
  const begun = laptop.beginFlow({ authority: '10.96.0.1:80', signal: never });
  begun.flow.stream.write('early ');
  const flow = await begun.accepted;
  flow.stream.end('late');
  assert.equal(await readAll(flow), 'early late.');
  await assert.rejects(laptop.openFlow({ authority: '10.96.0.1:81', signal: never }), {
    code: 'Refused',
  });
  assert.deepEqual(asked, ['10.96.0.1:80', '10.96.0.1:81']);
});

test('what is never dialled is refused, whoever would dial', async () => {
  await using relay = await testRelay();
  await relay.controller.want({
    connections,
    dialableSubnets: ['0.0.0.0/0', '::/0'],
    refusedSubnets: ['10.244.0.9/32'],
  });
  const laptop = openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps);
  const refused = async (authority: string, kind?: FlowKind): Promise<void> => {
    await assert.rejects(
      laptop.openFlow({ authority, kind, signal: never }),
      { code: 'Forbidden' },
      `${String(kind)} ${authority}`,
    );
  };
  const targets = ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', '10.244.0.9'];
  const odd = ['localhost:80', '0.0.0.0:80', '224.0.0.1:80', '[fe80::1]:80', 'x', '127.1:80'];
  for (const authority of [...targets.map((host) => `${host}:80`), ...odd])
    await refused(authority);
  for (const host of targets) {
    for (const kind of ['udp', 'echo'] as const) await refused(`${host}:53`, kind);
  }
  // With an agent there, the relay refuses before the agent is asked.
  let asked = 0;
  await relay.controller.want({ connections, intercepts: [hello] });
  await agentSessions(relay, (flow) => {
    asked += 1;
    flow.refuse('Refused');
  });
  for (const authority of [...targets.map((host) => `${host}:80`), '8.8.8.8:53']) {
    await refused(authority);
    for (const kind of ['udp', 'echo'] as const) await refused(authority, kind);
  }
  assert.equal(asked, 0);
});

test('a taken connection reaches the laptop that intercepts, with its source and first bytes', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections, intercepts: [hello] });
  const { inbound } = await agentSessions(relay, (flow) => flow.refuse('Refused'));
  await assert.rejects(inbound.openFlow({ authority: hello.uid, signal: never }), {
    code: 'Unavailable',
  });
  const seen: string[] = [];
  const answer = Promise.withResolvers<void>();
  serveSession(await relay.laptop(alice, 'reverse'), {
    ...sessionDeps,
    onFlow(flow) {
      seen.push(`${flow.authority} ${String(flow.headers[sourceHeader])}`);
      void answer.promise.then(() => {
        const { stream } = flow.accept();
        stream.on('data', (chunk) => stream.write(chunk));
        stream.on('end', () => stream.end('.'));
      });
    },
  });
  await relay.controller.facts((facts) => facts.laptops.some((one) => one.reverseSessions === 1));
  const begun = inbound.beginFlow({
    authority: hello.uid,
    headers: { [sourceHeader]: '10.0.0.1:5' },
    signal: never,
  });
  const patience = once(begun.flow.stream, 'headers');
  begun.flow.stream.write('GET ');
  // A laptop that takes its time: the agent is told how long it may. More where the machine is slow.
  const [headers] = await patience;
  assert.ok(Number(headers[patienceHeader]) >= 200);
  answer.resolve();
  const flow = await begun.accepted;
  flow.stream.end('/');
  assert.equal(await readAll(flow), 'GET /.');
  assert.deepEqual(seen, [`${hello.uid} 10.0.0.1:5`]);
});

test('first bytes of a lost session go to the next one only where that changes nothing', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections, intercepts: [hello] });
  const { inbound } = await agentSessions(relay, (flow) => flow.refuse('Refused'));
  const heard: string[] = [];
  let lost = 0;
  for (let count = 0; count < 2; count += 1) {
    const session = serveSession(await relay.laptop(alice, 'reverse'), {
      ...sessionDeps,
      onFlow(flow) {
        flow.stream.once('data', (chunk) => {
          heard.push(String(chunk));
          if (lost === 0) {
            lost += 1;
            session.destroy(new Error('lost'));
          } else flow.accept().stream.end('answered');
        });
      },
    });
  }
  await relay.controller.facts((facts) => facts.laptops.some((one) => one.reverseSessions === 2));
  const safe = inbound.beginFlow({ authority: hello.uid, signal: never });
  safe.flow.stream.end('GET / HTTP/1.1\r\n\r\n');
  assert.equal(await readAll(await safe.accepted), 'answered');
  assert.equal(heard.length, 2);
  lost = 0;
  const unsafe = inbound.beginFlow({ authority: hello.uid, signal: never });
  unsafe.flow.stream.end('POST / HTTP/1.1\r\n\r\n');
  await assert.rejects(unsafe.accepted, { code: 'Lost' });
  assert.equal(heard.length, 3);
});

test('a client’s datagrams reach the laptop where the port is UDP, and connections only where not', async () => {
  await using relay = await testRelay();
  const dns = { ...hello, uid: 'cccccccc-0000-4000-8000-000000000003', protocol: 'UDP' };
  await relay.controller.want({ connections, intercepts: [hello, dns] });
  const { inbound } = await agentSessions(relay, (flow) => flow.refuse('Refused'));
  const seen: string[] = [];
  serveSession(await relay.laptop(alice, 'reverse'), {
    ...sessionDeps,
    onFlow(flow) {
      seen.push(`${flow.kind} ${flow.authority} ${String(flow.headers[sourceHeader])}`);
      const { stream } = flow.accept();
      stream.on('data', (chunk) => stream.write(chunk));
    },
  });
  await relay.controller.facts((facts) => facts.laptops.some((one) => one.reverseSessions === 1));
  const headers = { [sourceHeader]: '10.0.0.1:5' };
  const asked = { authority: dns.uid, kind: 'udp', headers, signal: never } as const;
  const begun = inbound.beginFlow(asked);
  const echoed = once(begun.flow.stream, 'data');
  begun.flow.stream.write('early');
  await begun.accepted;
  assert.equal(String((await echoed)[0]), 'early');
  assert.deepEqual(seen, [`udp ${dns.uid} 10.0.0.1:5`]);
  for (const wrong of [
    { authority: dns.uid, signal: never },
    { authority: hello.uid, kind: 'udp', signal: never },
    { authority: dns.uid, kind: 'echo', signal: never },
  ] as const) {
    await assert.rejects(inbound.openFlow(wrong), { code: 'Forbidden' });
  }
  assert.equal(seen.length, 1);
  begun.flow.stream.destroy();
});

test('of a whole container both may come, and what one does not know of is TCP', async () => {
  await using relay = await testRelay();
  const both = { ...hello, protocol: 'TCP', protocols: ['TCP', 'UDP'] };
  await relay.controller.want({ connections, intercepts: [both] });
  const { inbound } = await agentSessions(relay, (flow) => flow.refuse('Refused'));
  const seen: string[] = [];
  serveSession(await relay.laptop(alice, 'reverse'), {
    ...sessionDeps,
    onFlow(flow) {
      seen.push(`${flow.kind} ${String(flow.headers[takenPortHeader])}`);
      flow.refuse('Refused');
    },
  });
  await relay.controller.facts((facts) => facts.laptops.some((one) => one.reverseSessions === 1));
  for (const kind of ['tcp', 'udp'] as const) {
    const headers = { [takenPortHeader]: '53' };
    const asked = { authority: both.uid, kind, headers, signal: never };
    await assert.rejects(inbound.openFlow(asked), { code: 'Refused' });
  }
  assert.deepEqual(seen, ['tcp 53', 'udp 53']);
});

test('an agent opens flows for its own intercepts only', async () => {
  await using relay = await testRelay();
  const other = { ...hello, uid: 'cccccccc-0000-4000-8000-000000000002', podUids: ['pod-2'] };
  await relay.controller.want({ connections, intercepts: [hello, other] });
  const { inbound } = await agentSessions(relay, (flow) => flow.refuse('Refused'));
  let reached = 0;
  serveSession(await relay.laptop(alice, 'reverse'), {
    ...sessionDeps,
    onFlow(flow) {
      reached += 1;
      flow.refuse('Refused');
    },
  });
  for (const authority of [other.uid, alice.uid, '10.0.0.1:80']) {
    await assert.rejects(inbound.openFlow({ authority, signal: never }), { code: 'Forbidden' });
  }
  assert.equal(reached, 0);
});

test('the environment is for the laptop whose intercept it is', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections, intercepts: [hello] });
  const call = async (laptop: typeof alice, uid: string): Promise<Record<string, string>> => {
    const session = openClientSession(await relay.laptop(laptop, 'outbound'), sessionDeps);
    const transport = rpcTransport(session, { headers: { [interceptHeader]: uid } });
    const { environment } = await createClient(Agent, transport).getEnvironment({});
    return environment;
  };
  await assert.rejects(call(alice, hello.uid), /503|unavailable/);
  await agentSessions(relay, (flow) => flow.refuse('Refused'));
  assert.deepEqual(await call(alice, hello.uid), { SECRET: 'x', SEEN: '' });
  await assert.rejects(call(bob, hello.uid), /403|permission/);
  await assert.rejects(call(bob, ''), /403|permission/);
});

test('a removed connection loses all that it has', async () => {
  await using relay = await testRelay();
  await relay.controller.want({ connections, intercepts: [hello] });
  const outbound = openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps);
  const reverse = serveSession(await relay.laptop(alice, 'reverse'), sessionDeps);
  const control = openClientSession(await relay.laptop(alice, 'control'), sessionDeps);
  const other = openClientSession(await relay.laptop(bob, 'outbound'), sessionDeps);
  await relay.controller.facts((facts) => facts.laptops.length === 2);
  await relay.controller.want({ connections: [connectionOf(bob)] });
  for (const session of [outbound, reverse, control]) {
    assert.equal((await session.closed).kind, 'lost');
  }
  assert.equal(other.isOpen, true);
  const facts = await relay.controller.facts((one) => one.laptops.length === 1);
  assert.equal(facts.laptops[0]?.connectionUid, bob.uid);
});

test('a relay that is about to end lets nobody in, asks laptops to go elsewhere, and waits for their flows', async () => {
  await using test = await testRelay();
  await test.controller.want({ connections, intercepts: [] });
  const reverse = serveSession(await test.laptop(alice, 'reverse'), sessionDeps);
  const outbound = openClientSession(await test.laptop(alice, 'outbound'), sessionDeps);
  await test.controller.facts((facts) =>
    facts.laptops.some((one) => one.reverseSessions === 1 && one.outboundSessions === 1),
  );
  let drained = false;
  const draining = test.relay.drain().then(() => {
    drained = true;
  });
  await Promise.all([reverse.renewalAsked, outbound.renewalAsked]);
  const nonce = Buffer.alloc(32).toString('base64');
  assert.equal(await test.refused({ path: '/tunnel/shop/alice-1/reverse', nonce }), '503');
  assert.ok(reverse.isOpen && outbound.isOpen);
  // What a laptop does once it has the others.
  await reverse.close();
  assert.equal(drained, false);
  await outbound.close();
  await draining;
});

test('a laptop that is ahead of the news of its own Connection waits for it', async () => {
  await using test = await testRelay();
  await test.controller.want({ connections: [connectionOf(bob)], intercepts: [] });
  const early = test.laptop(alice, 'reverse');
  const nonce = Buffer.alloc(32).toString('base64');
  const refused = test.refused({ path: '/tunnel/shop/nobody/reverse', nonce });
  await test.controller.want({ connections, intercepts: [] });
  (await early).destroy();
  assert.equal(await refused, '404');
});

test('where only a user’s own namespaces are open, each dial is asked for', async () => {
  await using relay = await testRelay();
  relay.controller.allowed.add('10.96.0.7');
  await relay.controller.want({
    connections,
    intercepts: [hello],
    dialableSubnets: ['10.0.0.0/8'],
    ownNamespacesOnly: true,
  });
  await agentSessions(relay, (flow) => flow.refuse('Refused'));
  const laptop = openClientSession(await relay.laptop(alice, 'outbound'), sessionDeps);
  const dial = async (authority: string) => await laptop.openFlow({ authority, signal: never });
  // By the agent: nobody listens there.
  await assert.rejects(dial('10.96.0.7:80'), { code: 'Refused' });
  await assert.rejects(dial('10.96.0.8:80'), { code: 'Forbidden' });
});
