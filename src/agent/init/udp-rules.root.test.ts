import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { openLibc } from '#host/libc.ts';

import { podAddress, podAddressV6, podNetwork, type PodNetwork } from '../testing/pod-network.ts';
import { agentUdpTable } from './udp-rules.ts';

/** AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_NO_CHECK */
const [inet, datagrams, solSocket, noChecksum] = [2, 2, 1, 11];

let pod: PodNetwork;
before(async () => {
  pod = await podNetwork();
  pod.layRules();
  await pod.start('udp-app-main.ts', ['53']);
  await pod.start('udp-app-main.ts', ['54']);
  await pod.start('udp-app-main.ts', ['53', podAddressV6]);
});
after(async () => {
  await pod[Symbol.asyncDispose]();
});

/** A program in the cluster that keeps its socket. */
interface Client extends AsyncDisposable {
  readonly socket: Socket;
  ask(text: string, port?: number): Promise<string>;
}

function client(host = podAddress): Client {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  return {
    socket,
    async ask(text, port = 53) {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(3000) });
      socket.send(text, port, host);
      const [message, from] = await answer.catch(() => ['silence', { port, address: host }]);
      // It is answered by whom it asked, as a connected socket demands.
      assert.equal(from.port, port);
      assert.equal(from.address, host);
      return String(message);
    },
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

async function ask(text: string, port?: number, host?: string): Promise<string> {
  await using one = client(host);
  return await one.ask(text, port);
}

/** An agent in the pod, killed at the end. */
interface Agent extends AsyncDisposable {
  readonly process: ChildProcess;
  tell(message: object): Promise<unknown>;
  kill(): Promise<void>;
}

async function startAgent(...args: string[]): Promise<Agent> {
  const child = await pod.start('udp-agent-main.ts', [...args, podAddress, podAddressV6]);
  const kill = async (): Promise<void> => {
    if (child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    process: child,
    kill,
    async tell(message) {
      const answer = once(child, 'message', { signal: AbortSignal.timeout(5000) });
      child.send(message);
      return (await answer)[0];
    },
    [Symbol.asyncDispose]: kill,
  };
}

const list = (): string => pod.run(['nft', 'list', 'table', 'inet', agentUdpTable]);

test('a client that keeps its socket follows each switch with its next datagram', async () => {
  await using agent = await startAgent();
  await using kept = client();
  assert.equal(await kept.ask('one'), 'app:3:one');
  assert.deepEqual(await agent.tell({ on: 53 }), { heard: true });
  for (let times = 0; times < 20; times += 1) {
    assert.equal(await kept.ask('two'), 'agent 53:3:two');
    assert.equal(await ask('new'), 'agent 53:3:new');
    assert.equal(await kept.ask('other', 54), 'app:5:other');
    await agent.tell({ off: 53 });
    assert.equal(await kept.ask('three'), 'app:5:three');
    await agent.tell({ on: 53 });
  }
  await agent.tell({ on: 54 });
  assert.equal(await kept.ask('four', 54), 'agent 54:4:four');
  await sleep(2500);
  assert.equal(await kept.ask('five'), 'agent 53:4:five', 'renewed by knocking');
  // The kernel remembers this client as one of the app's, and is not asked: nobody in a pod may change that.
  const remembered = pod.run(['cat', '/proc/net/nf_conntrack']);
  assert.match(remembered, /udp .*dport=53 /);
});

test('none is lost when the agent dies: the app answers at once', async () => {
  await using agent = await startAgent();
  await agent.tell({ on: 53 });
  await using kept = client();
  assert.equal(await kept.ask('one'), 'agent 53:3:one');
  await agent.kill();
  const killed = performance.now();
  for (let times = 0; times < 20; times += 1) {
    assert.equal(await kept.ask('two'), 'app:3:two');
    assert.equal(await ask('new'), 'app:3:new');
  }
  assert.ok(performance.now() - killed < 1500 && list().includes('53 '), 'not by a time-out');
});

test('an agent that hangs loses its port after 2 s, and has it when it runs again', async () => {
  await using agent = await startAgent();
  await agent.tell({ on: 53 });
  agent.process.kill('SIGSTOP');
  const stopped = performance.now();
  while (/elements = \{ 53 timeout 2s expires [^:]*\}/.test(list())) {
    assert.ok(performance.now() - stopped < 10_000, list());
    await sleep(20);
  }
  await using kept = client();
  assert.equal(await kept.ask('one'), 'app:3:one');
  agent.process.kill('SIGCONT');
  await sleep(500);
  assert.equal(await kept.ask('two'), 'agent 53:3:two');
});

test('datagrams of every size, also those that come in pieces', async () => {
  await using agent = await startAgent();
  const sizes = [0, 1, 1472, 1473, 9000, 60_000];
  for (const on of [false, true]) {
    if (on) await agent.tell({ on: 53 });
    for (const host of [podAddress, podAddressV6]) {
      for (const size of sizes) {
        const who = on ? 'agent 53' : 'app';
        const text = 'x'.repeat(Math.min(20, size));
        assert.equal(await ask('x'.repeat(size), 53, host), `${who}:${String(size)}:${text}`);
      }
    }
  }
});

test('IPv6: taken and given back; the app’s when the agent dies', async () => {
  await using kept = client(podAddressV6);
  assert.equal(await kept.ask('one'), 'app:3:one');
  await using agent = await startAgent();
  await agent.tell({ on: 53 });
  assert.equal(await kept.ask('two'), 'agent 53:3:two');
  await agent.tell({ off: 53 });
  assert.equal(await kept.ask('three'), 'app:5:three');
  await agent.tell({ on: 53 });
  await agent.kill();
  assert.equal(await kept.ask('four'), 'app:4:four');
});

test('the agent’s own port is nobody’s, and another group’s knocks change nothing', async () => {
  await using other = await startAgent('group=1000');
  assert.deepEqual(await other.tell({ on: 53 }), { heard: false });
  assert.equal(await ask('one'), 'app:3:one');
  await other.kill();
  await using agent = await startAgent();
  await agent.tell({ on: 53 });
  const own = /map to_agent \{.*?elements = \{ 53 [^:]*: (\d+) \}/s.exec(list())?.[1];
  assert.ok(own !== undefined, list());
  await using stranger = client();
  const answer = once(stranger.socket, 'message', { signal: AbortSignal.timeout(500) });
  stranger.socket.send('let me in', Number(own), podAddress);
  await assert.rejects(answer, { name: 'AbortError' });
  assert.equal(await stranger.ask('two'), 'agent 53:3:two');
});

test('a datagram without a checksum is taken as it is', async () => {
  await using agent = await startAgent();
  const bare = async (): Promise<string> => {
    const libc = openLibc();
    const fd = libc.socket(inet, datagrams, 0);
    libc.setSocketOption(fd, solSocket, noChecksum, 1);
    await using one = client();
    one.socket.bind({ fd });
    return await one.ask('bare');
  };
  assert.equal(await bare(), 'app:4:bare');
  await agent.tell({ on: 53 });
  assert.equal(await bare(), 'agent 53:4:bare');
  await agent.kill();
  assert.equal(await bare(), 'app:4:bare', 'and given back');
});
