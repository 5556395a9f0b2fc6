import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';

import { Code, ConnectError, createClient } from '@connectrpc/connect';

import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { agentRedirectPort } from '#protocol/agent-config.ts';
import { takenPortHeader } from '#protocol/flow-headers.ts';
import { Agent } from '#protocol/gen/telepresence_pb.ts';
import { carryDatagrams, type Datagrams } from '#tunnel/datagrams.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';
import { listen } from '#tunnel/session.fixture.ts';

import { startAgent, type RunningAgent } from './agent.ts';
import { testCa } from './testing/certificates.ts';
import { testManager, type TestManager } from './testing/manager.ts';

/** Loopback's own, so that the agent's fixed ports disturb nobody. */
const podIp = '127.74.39.9';
const listenPort = 9901;

/** An agent in rename mode that stands in for an app of the test's. */
async function agent(
  manager: TestManager,
  appPort: number,
  lookup = async (host: string): Promise<readonly string[]> => [host],
): Promise<RunningAgent> {
  const { host, port } = manager.relay;
  return startAgent(
    {
      log: silentLogger,
      clock: systemClock,
      random: Math.random,
      readToken: async () => 'token of the pod',
      lookup,
      env: { A_GREETING: 'hi', PATH: '/bin', HOSTNAME: 'pod-1' },
      take: { kind: 'rename' },
      nodeAddresses: new Set(),
    },
    {
      podIps: [podIp],
      version: '0.0.0',
      config: {
        version: 1,
        manager: { host, port },
        ca: [testCa],
        take: 'rename',
        renamed: [
          { name: 'http', listenPort, appPort },
          { name: 'dns', listenPort, appPort, protocol: 'UDP' },
        ],
        containers: [{ name: 'app', envPrefix: 'A_', mounts: ['/data'] }],
        logLevel: 'info',
        excludedEnvironment: [],
      },
    },
  );
}

async function ask(port = listenPort): Promise<string> {
  const socket = net.connect({ host: podIp, port });
  socket.end('hello');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** An app, or a handler, that answers with its name. */
function answering(name: string) {
  return listen((socket) => {
    socket.on('data', (chunk: Buffer) => socket.write(`${name}:${String(chunk)}`));
    socket.on('end', () => socket.end());
    socket.resume();
  });
}

const take = (containerPort: number) => ({
  interceptUid: 'intercept-1',
  containerPort,
  protocol: 'TCP',
});

test('an agent takes, gives back, and falls back to the app', async () => {
  await using app = await answering('app');
  await using manager = await testManager();
  manager.onFlow = (flow) => {
    const { stream } = flow.accept();
    stream.on('data', (chunk: Buffer) => stream.write(`laptop:${String(chunk)}`));
    stream.on('end', () => stream.end());
  };
  await using _agent = await agent(manager, app.port);
  assert.equal(await ask(), 'app:hello', 'before there is any manager');

  manager.want([take(app.port)]);
  await manager.reported(true);
  assert.equal(await ask(), 'laptop:hello');

  manager.onFlow = (flow) => flow.refuse('Unavailable');
  assert.equal(await ask(), 'app:hello');

  manager.want([take(app.port), { ...take(1), interceptUid: 'other' }].slice(1));
  assert.deepEqual(await manager.reported(false), [
    'the name of port 1 was not given to the agent',
  ]);
  manager.want([]);
  assert.equal(await ask(), 'app:hello');
});

test('a UDP port that has its name: to the laptop, and to the app, which is found on loopback', async () => {
  const app = createSocket('udp4', (message, from) => {
    app.send(`app:${String(message)}`, from.port, from.address);
  });
  app.bind(0, '127.0.0.1').unref();
  await once(app, 'listening');
  const { port } = app.address();
  await using manager = await testManager();
  manager.onFlow = (flow) => {
    assert.equal(flow.kind, 'udp');
    const datagrams: Datagrams = carryDatagrams(flow.accept().stream, {
      onDatagram: (payload) => datagrams.send(Buffer.from(`laptop:${String(payload)}`)),
    });
  };
  await using _agent = await agent(manager, port);
  const client = createSocket('udp4').unref();
  const askByUdp = async (text: string): Promise<string> => {
    const answer = once(client, 'message', { signal: AbortSignal.timeout(10_000) });
    client.send(text, listenPort, podIp);
    return String((await answer)[0]);
  };
  assert.equal(await askByUdp('one'), 'app:one');
  const interceptUid = 'cccccccc-0000-4000-8000-000000000001';
  manager.want([{ interceptUid, containerPort: port, protocol: 'UDP' }]);
  await manager.told((states) => states.some(({ active }) => active));
  assert.equal(await askByUdp('two'), 'laptop:two');
  manager.want([{ ...take(port), protocol: 'SCTP' }]);
  await manager.told((states) =>
    states.some(({ message }) => message === 'SCTP ports cannot be taken'),
  );
  assert.equal(await askByUdp('three'), 'app:three');
  client.close();
  app.close();
});

test('where the container is aside the agent listens at its ports itself, TCP and UDP, and closes them', async () => {
  await using manager = await testManager();
  manager.onFlow = (flow) => {
    assert.equal(flow.headers[takenPortHeader], '7053');
    if (flow.kind === 'udp') {
      const datagrams: Datagrams = carryDatagrams(flow.accept().stream, {
        onDatagram: (payload) => datagrams.send(Buffer.from(`laptop:${String(payload)}`)),
      });
      return;
    }
    flow.accept().stream.resume().end('laptop');
  };
  await using _agent = await agent(manager, 1);
  const interceptUid = 'cccccccc-0000-4000-8000-000000000001';
  const port = { interceptUid, containerPort: 7053, aside: true } as const;
  manager.want([
    { ...port, protocol: 'TCP' },
    { ...port, protocol: 'UDP' },
  ]);
  await manager.told((states) => states.length === 2 && states.every(({ active }) => active));
  assert.equal(await ask(7053), 'laptop');
  const client = createSocket('udp4').unref();
  const answer = once(client, 'message', { signal: AbortSignal.timeout(10_000) });
  client.send('one', 7053, podIp);
  assert.equal(String((await answer)[0]), 'laptop:one');
  client.close();
  // There is no app behind it: what comes is not passed on to the agent itself.
  manager.onFlow = (flow) => flow.refuse('Unavailable');
  await assert.rejects(ask(7053), { code: 'ECONNRESET' });
  manager.want([]);
  await manager.told((states) => states.length === 0);
  await assert.rejects(ask(7053), { code: 'ECONNREFUSED' });
});

test('a manager that is gone gives everything to the app, and gets it again', async () => {
  await using app = await answering('app');
  await using manager = await testManager();
  await using _agent = await agent(manager, app.port);
  manager.onFlow = (flow) => {
    const { stream } = flow.accept();
    stream.resume();
    stream.end('laptop');
  };
  manager.want([take(app.port)]);
  await manager.reported(true);
  assert.equal(await ask(), 'laptop');
  manager.relay.drop();
  manager.want([take(app.port)]);
  await manager.reported(true);
  assert.equal(await ask(), 'laptop');
});

test('the environment is told to who asks over the outbound session', async () => {
  await using manager = await testManager();
  await using _agent = await agent(manager, 1);
  const client = createClient(Agent, rpcTransport(await manager.outbound()));
  const answer = await client.getEnvironment({ container: '' });
  assert.equal(answer.container, 'app');
  assert.deepEqual(answer.environment, { GREETING: 'hi', HOSTNAME: 'pod-1' });
  assert.deepEqual(answer.mounts, ['/data']);
  await assert.rejects(client.getEnvironment({ container: 'other' }), (error) => {
    assert.equal(ConnectError.from(error).code, Code.NotFound);
    return true;
  });
});

test('a stopped agent leaves nothing open', async () => {
  await using app = await answering('app');
  await using manager = await testManager();
  const running = await agent(manager, app.port);
  const probe = net.connect({ host: podIp, port: agentRedirectPort });
  await once(probe.resume(), 'end');
  const open = net.connect({ host: podIp, port: listenPort });
  open.on('error', () => {});
  open.write('x');
  await once(open, 'data');
  const closed = Promise.withResolvers<void>();
  open.once('close', () => closed.resolve());
  await running[Symbol.asyncDispose]();
  await closed.promise;
  await assert.rejects(ask(), { code: 'ECONNREFUSED' });
});

test('an agent goes to every manager that it is told of, and to the one that has the laptop', async () => {
  await using app = await answering('app');
  await using first = await testManager();
  const { port } = first.relay;
  const second = await testManager({ host: '127.0.0.2', port });
  await using stack = new AsyncDisposableStack();
  stack.use(second);
  second.onFlow = (flow) => {
    const { stream } = flow.accept();
    stream.on('data', (chunk: Buffer) => stream.write(`laptop:${String(chunk)}`));
    stream.on('end', () => stream.end());
  };
  const both = ['127.0.0.1', '127.0.0.2'];
  first.want([], both);
  second.want([take(app.port)], both);
  await using _agent = await agent(first, app.port);

  // Each of the two hears that the port is taken, though only one of them wants it.
  await second.reported(true);
  await first.told((states) => states.some((one) => one.active));
  assert.equal(await ask(), 'laptop:hello');

  await second[Symbol.asyncDispose]();
  await first.told((states) => states.length === 0);
  assert.equal(await ask(), 'app:hello');
});

test('a manager that has lost the laptop is passed by for one that has it', async () => {
  await using app = await answering('app');
  await using first = await testManager();
  const { port } = first.relay;
  await using second = await testManager({ host: '127.0.0.2', port });
  first.onFlow = (flow) => flow.refuse('Unavailable');
  second.onFlow = first.onFlow;
  const both = ['127.0.0.1', '127.0.0.2'];
  for (const manager of [first, second]) manager.want([take(app.port)], both);
  await using _agent = await agent(first, app.port);
  await first.reported(true);
  await second.reported(true);
  for (const has of [first, second]) {
    const other = has === first ? second : first;
    other.onFlow = (flow) => flow.refuse('Unavailable');
    has.onFlow = (flow) => {
      const { stream } = flow.accept();
      stream.on('data', (chunk: Buffer) => stream.write(`laptop:${String(chunk)}`));
      stream.on('end', () => stream.end());
    };
    assert.equal(await ask(), 'laptop:hello');
  }
});

test('managers are looked for by name until one tells, and again when none is left', async () => {
  await using app = await answering('app');
  let addresses: readonly string[] = [];
  await using first = await testManager();
  const { port } = first.relay;
  await using _agent = await agent(first, app.port, async () => addresses);
  await using second = await testManager({ host: '127.0.0.2', port });
  addresses = ['127.0.0.2'];
  second.want([take(app.port)], ['127.0.0.2']);
  await second.reported(true);
  assert.deepEqual(first.relay.tokens, []);
  addresses = ['127.0.0.1'];
  first.want([take(app.port)], ['127.0.0.1']);
  await second[Symbol.asyncDispose]();
  await first.reported(true);
});
