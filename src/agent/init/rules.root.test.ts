import assert from 'node:assert/strict';
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { podAddress, podAddressV6, podNetwork, type PodNetwork } from '../testing/pod-network.ts';

let pod: PodNetwork;
before(async () => {
  pod = await podNetwork();
  pod.layRules();
  await pod.start('app-main.ts', ['8080', '::']);
  await pod.start('app-main.ts', ['8081', '::']);
});
after(async () => {
  await pod[Symbol.asyncDispose]();
});

async function connect(port: number, host = podAddress): Promise<net.Socket> {
  const socket = net.connect({ host, port, noDelay: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Sends `text` and returns the answer, or the code of the error that ended the connection. */
async function say(socket: net.Socket, text: string): Promise<string> {
  const answer = Promise.withResolvers<string>();
  const onData = (chunk: Buffer): void => answer.resolve(String(chunk));
  const onError = (error: NodeJS.ErrnoException): void => answer.resolve(error.code ?? '');
  const onEnd = (): void => answer.resolve('end');
  socket.on('data', onData).on('error', onError).on('end', onEnd);
  socket.write(text);
  try {
    return await answer.promise;
  } finally {
    socket.off('data', onData).off('error', onError).off('end', onEnd);
  }
}

async function ask(port: number, host = podAddress): Promise<string> {
  const socket = await connect(port, host);
  try {
    return await say(socket, 'hello');
  } finally {
    socket.destroy();
  }
}

async function tell(agent: ChildProcess, message: object): Promise<unknown> {
  const answer = once(agent, 'message');
  agent.send(message);
  return (await answer)[0];
}

async function startAgent(group?: number): Promise<ChildProcess> {
  return pod.start('knocking-agent-main.ts', group === undefined ? [] : [String(group)]);
}

/** Gives the port back, so that the next test starts with the app. */
async function leave(agent: ChildProcess, port = 8080): Promise<void> {
  await tell(agent, { off: port });
  await kill(agent);
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('a port goes to the agent and back, and each connection keeps its original port', async () => {
  const agent = await startAgent();
  assert.equal(await ask(8080), 'app:hello');
  assert.deepEqual(await tell(agent, { on: 8080 }), { heard: true });
  assert.equal(await ask(8080), 'agent 8080:hello');
  assert.equal(await ask(8081), 'app:hello');
  await tell(agent, { on: 8081 });
  assert.equal(await ask(8081), 'agent 8081:hello');
  await sleep(2500);
  assert.equal(await ask(8080), 'agent 8080:hello', 'renewed by knocking');
  const kept = await connect(8080);
  assert.equal(await say(kept, 'one'), 'agent 8080:one');
  await tell(agent, { off: 8080 });
  assert.equal(await ask(8080), 'app:hello');
  assert.equal(await say(kept, 'two'), 'agent 8080:two', 'a redirected connection stays');
  assert.equal(await ask(8081), 'agent 8081:hello');
  kept.destroy();
  await leave(agent, 8081);
});

test('no connection is refused after the death of the agent: the app answers at once', async () => {
  const agent = await startAgent();
  for (const port of [8080, 8081]) await tell(agent, { on: port });
  assert.equal(await ask(8080), 'agent 8080:hello');
  await kill(agent);
  const killed = performance.now();
  const several = [8080, 8080, 8081, 8080, 8081].map((port) => ask(port));
  assert.deepEqual(new Set(await Promise.all(several)), new Set(['app:hello']));
  const ms = performance.now() - killed;
  // Before the set would have emptied itself: not because it did.
  assert.ok(ms < 1500, `${String(ms)} ms`);
  assert.equal(
    pod.run(['nft', 'list', 'set', 'inet', 'telepresence_agent', 'on']).includes('8080'),
    false,
  );
});

test('IPv6: taken, ended at the switch, given back; and the app’s when the agent dies', async () => {
  const idle = await connect(8080, podAddressV6);
  assert.equal(await say(idle, 'before'), 'app:before');
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  assert.equal(await ask(8080, podAddressV6), 'agent 8080:hello');
  assert.equal(await ask(8080), 'agent 8080:hello');
  await sleep(450);
  assert.equal(await say(idle, 'after'), 'ECONNRESET');
  await tell(agent, { off: 8080 });
  assert.equal(await ask(8080, podAddressV6), 'app:hello');
  await tell(agent, { on: 8080 });
  await kill(agent);
  assert.equal(await ask(8080, podAddressV6), 'app:hello');
});

test('IPv6: the agent is not on link-local addresses, so they stay with the app', async () => {
  const [link = ''] =
    pod.run(['ip', '-6', '-br', 'address', 'show', 'dev', 'eth0']).match(/fe80[^/]*/) ?? [];
  const [wire = ''] =
    execFileSync('ip', ['-6', 'route', 'get', podAddressV6])
      .toString()
      .match(/(?<=dev )\S+/) ?? [];
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  assert.equal(await ask(8080, `${link}%${wire}`), 'app:hello');
  await leave(agent);
});

test('an agent that hangs loses its port after 2 s, and takes it anew when it runs again', async () => {
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  agent.kill('SIGSTOP');
  const stopped = performance.now();
  const list = (set: string): string =>
    pod.run(['nft', 'list', 'set', 'inet', 'telepresence_agent', set]);
  const isGone = async (set: string): Promise<void> => {
    while (list(set).includes('8080')) {
      assert.ok(performance.now() - stopped < 10_000, list(set));
      await sleep(20);
    }
  };
  await isGone('on');
  assert.equal(await ask(8080), 'app:hello');
  // What the app got meanwhile was open when the agent comes back: it may have its answer, also when
  // that of the first switch is long over.
  await isGone('grace');
  const asked = await connect(8080);
  const answer = say(asked, 'slowly');
  agent.kill('SIGCONT');
  assert.equal(await answer, 'app:slowly');
  assert.ok(list('on').includes('8080'));
  assert.equal(await ask(8080), 'agent 8080:hello');
  await leave(agent);
});

test('an app that refuses is still heard to refuse', async () => {
  const agent = await startAgent();
  await assert.rejects(ask(8082), { code: 'ECONNREFUSED' });
  await tell(agent, { on: 8082 });
  await kill(agent);
  await assert.rejects(ask(8082), { code: 'ECONNREFUSED' });
});

test('knocks of another group change nothing', async () => {
  const other = await startAgent(1000);
  assert.deepEqual(await tell(other, { on: 8080 }), { heard: false });
  assert.equal(await ask(8080), 'app:hello');
  const agent = await startAgentBeside(other);
  await tell(agent, { on: 8080 });
  await leave(agent);
});

/** The port 9900 is free only once the other is gone. */
async function startAgentBeside(other: ChildProcess): Promise<ChildProcess> {
  await kill(other);
  return startAgent();
}

test('a connection to the redirect port itself is reset, and that port is never taken', async () => {
  const agent = await startAgent();
  assert.deepEqual(await tell(agent, { on: 9900 }), { heard: false });
  const socket = net.connect({ host: podAddress, port: 9900 });
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNRESET');
  await kill(agent);
});

test('who was reset and asks again from the same port of its own is not refused', async () => {
  const idle = await connect(8080);
  const { localPort = 0 } = idle;
  assert.equal(await say(idle, 'before'), 'app:before');
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  await sleep(450);
  assert.equal(await say(idle, 'after'), 'ECONNRESET');
  const again = net.connect({ host: podAddress, port: 8080, localPort });
  await once(again, 'connect');
  assert.equal(await say(again, 'again'), 'agent 8080:again');
  again.destroy();
  await leave(agent);
});

test('an open connection that is idle ends at its next word', async () => {
  const idle = await connect(8080);
  assert.equal(await say(idle, 'before'), 'app:before');
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  await sleep(450);
  assert.equal(await say(idle, 'after'), 'ECONNRESET');
  await leave(agent);
});

test('an open connection that is busy lives for 5 s, and not much longer', async () => {
  const busy = await connect(8080);
  const untouched = await connect(8081);
  assert.equal(await say(busy, 'before'), 'app:before');
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  const redirected = await connect(8080);
  const started = performance.now();
  let answer = '';
  do {
    await sleep(50);
    answer = await say(busy, 'still');
  } while (answer === 'app:still' && performance.now() - started < 8000);
  const lived = performance.now() - started;
  assert.equal(answer, 'ECONNRESET');
  assert.ok(lived > 4500 && lived < 5700, `lived ${lived} ms`);
  assert.equal(await say(redirected, 'new'), 'agent 8080:new');
  assert.equal(await say(untouched, 'other'), 'app:other');
  await leave(agent);
});

test('an open connection that stops being busy ends before the 5 s', async () => {
  const busy = await connect(8080);
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  for (let said = 0; said < 10; said += 1) {
    await sleep(60);
    assert.equal(await say(busy, 'still'), 'app:still');
  }
  await sleep(450);
  assert.equal(await say(busy, 'late'), 'ECONNRESET');
  await leave(agent);
});

test('an open connection that waits for an answer is not idle, whenever it was asked', async () => {
  const agent = await startAgent();
  const after = await connect(8080);
  const asked = await connect(8080);
  const answer = say(asked, 'later');
  await tell(agent, { on: 8080 });
  assert.equal(await say(after, 'later'), 'app:later', 'asked after the switch');
  assert.equal(await answer, 'app:later', 'asked before');
  await sleep(450);
  assert.equal(await say(asked, 'more'), 'ECONNRESET');
  await leave(agent);
});

test('an open connection on which nobody has spoken yet is about to be used', async () => {
  const agent = await startAgent();
  for (const host of [podAddress, podAddressV6]) {
    const silent = await connect(8080, host);
    const spoken = await connect(8080, host);
    assert.equal(await say(spoken, 'before'), 'app:before');
    await tell(agent, { on: 8080 });
    await sleep(450);
    assert.equal(await say(spoken, 'after'), 'ECONNRESET');
    assert.equal(await say(silent, 'first'), 'app:first');
    await sleep(450);
    assert.equal(await say(silent, 'second'), 'ECONNRESET', 'idle after its first answer');
    await tell(agent, { off: 8080 });
  }
  await leave(agent);
});

test('one that waits for an answer stays also when its client’s kernel keeps it alive', async () => {
  const agent = await startAgent();
  for (const host of [podAddress, podAddressV6]) {
    const asked = await connect(8080, host);
    // As Node's HTTP agents do: from 1 s on its kernel asks whether the other one is still there.
    asked.setKeepAlive(true, 1000);
    const answer = say(asked, 'slowly');
    await tell(agent, { on: 8080 });
    assert.equal(await answer, 'app:slowly');
    await sleep(450);
    assert.equal(await say(asked, 'more'), 'ECONNRESET');
    await tell(agent, { off: 8080 });
  }
  await leave(agent);
});

test('what the app answers too late is a reset for its client, and then for the app', async () => {
  const agent = await startAgent();
  const asked = await connect(8080);
  const { localPort } = asked;
  const open = (): string =>
    pod.run(['ss', '-tnH', 'state', 'established', `dport = :${localPort}`]);
  const answer = say(asked, 'much later');
  await tell(agent, { on: 8080 });
  assert.notEqual(open(), '');
  assert.equal(await answer, 'ECONNRESET');
  const deadline = performance.now() + 3000;
  while (open() !== '') {
    assert.ok(performance.now() < deadline, 'the app still has the connection');
    await sleep(50);
  }
  await leave(agent);
});

test('an open connection that its client ends after the switch ends without a reset', async () => {
  const idle = await connect(8080);
  assert.equal(await say(idle, 'before'), 'app:before');
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  await sleep(450);
  const ended = once(idle, 'close');
  idle.resume().end();
  assert.deepEqual(await ended, [false]);
  await leave(agent);
});

test('a wiretapped port: what is open stays untouched, new ones pass the agent, and it comes back', async () => {
  const agent = await startAgent();
  for (const host of [podAddress, podAddressV6]) {
    const open = await connect(8080, host);
    assert.equal(await say(open, 'one'), 'app:one');
    assert.deepEqual(await tell(agent, { tap: 8080 }), { heard: true });
    assert.equal(await ask(8080, host), 'agent 8080:hello');
    await sleep(2500);
    assert.equal(await ask(8080, host), 'agent 8080:hello', 'renewed by knocking');
    assert.equal(await say(open, 'two'), 'app:two', 'idle for long, and still the app’s');
    const through = await connect(8080, host);
    assert.equal(await say(through, 'one'), 'agent 8080:one');
    // An intercept comes and goes meanwhile.
    await tell(agent, { on: 8080 });
    await tell(agent, { off: 8080 });
    assert.equal(await ask(8080, host), 'agent 8080:hello');
    await tell(agent, { untap: 8080 });
    assert.equal(await ask(8080, host), 'app:hello');
    assert.equal(await say(through, 'two'), 'agent 8080:two', 'it ends with its client');
    through.destroy();
    open.destroy();
  }
  await tell(agent, { tap: 8080 });
  await kill(agent);
  assert.equal(await ask(8080), 'app:hello', 'a dead agent’s port is the app’s at once');
});

test('the init container lays them, as often as it runs, and not in a node’s network', () => {
  const main = fileURLToPath(new URL('../init-main.ts', import.meta.url));
  const init = (env: readonly string[]): string => pod.run(['env', ...env, process.execPath, main]);
  pod.run(['nft', 'flush', 'ruleset']);
  assert.match(
    init(['TELEPRESENCE_AGENT_POD_IP=1.1.1.1', 'TELEPRESENCE_AGENT_HOST_IP=1.1.1.1']),
    /HostNetwork|node's address/,
  );
  assert.equal(pod.run(['nft', 'list', 'ruleset']), '');
  assert.match(init([]), /rules laid/);
  assert.match(init([]), /rules laid/);
  assert.deepEqual(pod.run(['nft', 'list', 'tables']).trim().split('\n'), [
    'table inet telepresence_agent',
    'table inet telepresence_agent_udp',
  ]);
  assert.match(init(['PATH=/nowhere']), /rules not laid/);
});

test('the rules can be laid again while a port is taken', async () => {
  const agent = await startAgent();
  await tell(agent, { on: 8080 });
  pod.layRules();
  await sleep(450);
  assert.equal(await ask(8080), 'agent 8080:hello');
  await leave(agent);
});
