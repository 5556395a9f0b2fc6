import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, createRouterTransport, type Client } from '@connectrpc/connect';
import { silentLogger } from '#base/log.ts';
import {
  AgentControl,
  RelayLink,
  type RelayDesired,
  type Takes,
} from '#protocol/gen/telepresence_pb.ts';
import { connection } from '../state/sample-world.ts';
import { createAgentHub } from './agent-hub.ts';
import { createRelayHub } from './relay-hub.ts';

const never = new AbortController().signal;
const identity = {
  $typeName: 'telepresence.v1.AgentIdentity',
  namespace: 'shop',
  pod: 'a',
  podUid: 'uid-a',
  workloadKind: 'Deployment',
  workloadName: 'hello',
} as const;
const take = { interceptUid: 'i', containerPort: 8080, protocol: 'TCP' } as const;

/** The next message of a stream. */
function reader<T>(stream: AsyncIterable<T>): () => Promise<T> {
  const iterator = stream[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await iterator.next();
    assert.ok(done !== true);
    return value;
  };
}

function agentOf(hub: ReturnType<typeof createAgentHub>): Client<typeof AgentControl> {
  return createClient(
    AgentControl,
    createRouterTransport((router) => hub.serve(router, identity)),
  );
}

test('an agent hears its own takes when they change, and is believed about the newest only', async () => {
  let gone = (): void => {};
  const hub = createAgentHub({ log: silentLogger }, () => gone());
  hub.publish(new Map([['uid-a', [take]]]), ['10.0.0.1']);
  const agent = agentOf(hub);
  const stop = new AbortController();
  const next = reader<Takes>(agent.watchTakes({}, { signal: stop.signal }));
  const first = await next();
  assert.deepEqual(
    first.takes.map((one) => one.interceptUid),
    ['i'],
  );
  const states = [{ interceptUid: 'i', active: true, message: '' }];
  await agent.reportTakes({ epoch: first.epoch, states });
  assert.equal(hub.takeState('uid-a', 'i')?.active, true);
  hub.publish(
    new Map([
      ['uid-a', [take]],
      ['uid-b', [take]],
    ]),
    ['10.0.0.1'],
  );
  hub.publish(new Map(), ['10.0.0.1']);
  const second = await next();
  assert.deepEqual(second.takes, []);
  await agent.reportTakes({ epoch: first.epoch, states: [] });
  assert.equal(hub.takeState('uid-a', 'i')?.active, true);
  await agent.reportTakes({ epoch: second.epoch, states: [] });
  assert.equal(hub.takeState('uid-a', 'i'), undefined);
  const detached = new Promise<void>((resolve) => {
    gone = resolve;
  });
  stop.abort();
  await assert.rejects(next());
  await detached;
});

test('an agent hears apart what it is to copy and to know of; one that says nothing of it is too old', async () => {
  const hub = createAgentHub({ log: silentLogger }, () => {});
  const planned = [
    take,
    { ...take, mode: 'wiretap', interceptUid: 'w' },
    { ...take, mode: 'ingest', interceptUid: 'g', containerPort: 0 },
  ] as const;
  hub.publish(new Map([['uid-a', planned]]), []);
  const agent = agentOf(hub);
  const stop = new AbortController();
  const next = reader<Takes>(agent.watchTakes({}, { signal: stop.signal }));
  const { epoch, takes, wiretaps, ingests } = await next();
  assert.deepEqual(
    [takes, wiretaps].map((list) => list.map((one) => one.interceptUid)),
    [['i'], ['w']],
  );
  assert.deepEqual(ingests, ['g']);
  assert.equal(hub.takeState('uid-a', 'w'), undefined, 'nothing is said yet');
  await agent.reportTakes({ epoch, states: [{ interceptUid: 'i', active: true }] });
  assert.equal(hub.takeState('uid-a', 'i')?.active, true);
  assert.equal(hub.takeState('uid-a', 'w')?.active, false);
  assert.match(hub.takeState('uid-a', 'w')?.message ?? '', /older version/);
  stop.abort();
  await assert.rejects(next());
});

test('UDP ports of a whole container are told apart: an older agent leaves them alone', async () => {
  const hub = createAgentHub({ log: silentLogger }, () => {});
  const udp = { ...take, containerPort: 53, protocol: 'UDP' } as const;
  hub.publish(
    new Map([
      [
        'uid-a',
        [
          { ...take, aside: 'whole' },
          { ...udp, aside: 'whole' },
          { ...udp, interceptUid: 'p', aside: 'port' },
          { ...udp, interceptUid: 'u' },
        ],
      ],
    ]),
    [],
  );
  const agent = agentOf(hub);
  const stop = new AbortController();
  const next = reader<Takes>(agent.watchTakes({}, { signal: stop.signal }));
  const { takes, containerDatagrams } = await next();
  assert.deepEqual(
    takes.map((one) => [one.interceptUid, one.protocol, one.aside]),
    [
      ['i', 'TCP', true],
      ['p', 'UDP', true],
      ['u', 'UDP', false],
    ],
  );
  assert.deepEqual(
    containerDatagrams.map((one) => [one.interceptUid, one.containerPort, one.aside]),
    [['i', 53, true]],
  );
  stop.abort();
  await assert.rejects(next());
});

test('what the relay is told is applied before it is relied on, and only told when it changes', async () => {
  const hub = createRelayHub(
    {
      log: silentLogger,
      review: async () => ({ ok: false, message: 'no' }),
      reviewDial: async () => ({ allowed: false, message: 'no' }),
    },
    () => {},
  );
  const served = {
    logLevel: '',
    connections: [connection()],
    intercepts: [],
    vias: [{ connectionUid: 'uid-alice-1', workload: 'hello', podUids: ['p'] }],
    dialableSubnets: ['10.0.0.0/8'],
    refusedSubnets: [],
    ownNamespacesOnly: false,
  };
  // Without a relay nobody waits.
  await hub.publish(served, never);
  const relay = createClient(
    RelayLink,
    createRouterTransport((router) => hub.serve(router)),
  );
  const stop = new AbortController();
  const next = reader<RelayDesired>(relay.watchDesired({}, { signal: stop.signal }));
  const first = await next();
  assert.equal(first.epoch, 1n);
  assert.deepEqual(
    first.connections.map((one) => one.publicKey),
    ['k'],
  );
  assert.deepEqual(first.connections[0]?.via[0]?.podUids, ['p']);
  await hub.publish({ ...served }, never);
  let applied = false;
  const publishing = hub.publish({ ...served, connections: [] }, never).then(() => {
    applied = true;
  });
  const second = await next();
  assert.equal(second.epoch, 2n);
  assert.equal(applied, false);
  const laptops = [{ connectionUid: 'c', reverseSessions: 1, outboundSessions: 0 }];
  await relay.reportFacts({ epoch: second.epoch, laptops });
  await publishing;
  assert.equal(hub.isHere('c'), true);
  assert.equal((await relay.reviewAgent({ token: 't' })).authenticated, false);
  stop.abort();
  await assert.rejects(next());
  while (hub.isHere('c')) await new Promise((resolve) => setImmediate(resolve));
});
