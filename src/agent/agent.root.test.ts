import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import {
  agentConfigVariable,
  agentGroup,
  agentPodIpVariable,
  agentTokenPath,
} from '#protocol/agent-config.ts';
import { sourceHeader } from '#protocol/flow-headers.ts';

import { testCa } from './testing/certificates.ts';
import { testManager, type TestManager } from './testing/manager.ts';
import { clusterAddress, podAddress, podNetwork, type PodNetwork } from './testing/pod-network.ts';

const managerPort = 8081;
const take = { interceptUid: 'intercept-1', containerPort: 8080, protocol: 'TCP' };

let pod: PodNetwork;
before(async () => {
  pod = await podNetwork();
  pod.layRules();
  await pod.start('app-main.ts', ['8080']);
  // Another app listens on loopback only: the agent finds it there.
  await pod.start('app-main.ts', ['8081', '127.0.0.1']);
});
after(async () => {
  await pod[Symbol.asyncDispose]();
});

/** The real program, as the kubelet would start it: any user, its group, its token. */
async function startAgent(): Promise<ChildProcess> {
  const folder = agentTokenPath.slice(0, agentTokenPath.lastIndexOf('/'));
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const script = `mount -t tmpfs none /run && mkdir -p ${folder} &&
    echo 'token of the pod' > ${agentTokenPath} &&
    exec setpriv --reuid 65534 --regid ${agentGroup} --clear-groups --no-new-privs "$@"`;
  const agent = pod.spawn(
    ['unshare', '--mount', 'sh', '-c', script, 'sh', process.execPath, main],
    {
      [agentPodIpVariable]: podAddress,
      [agentConfigVariable]: JSON.stringify({
        version: 1,
        manager: { host: clusterAddress, port: managerPort },
        ca: [testCa],
        take: 'redirect',
        containers: [{ name: 'app', envPrefix: 'A_' }],
      }),
    },
  );
  for await (const line of createInterface({ input: agent.stdout })) {
    if (line.includes('agent ready')) break;
  }
  agent.stdout.resume();
  return agent;
}

async function end(agent: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const ended = once(agent, 'exit');
  agent.kill(signal);
  await ended;
}

async function ask(port = 8080, text = 'hello'): Promise<string> {
  const socket = net.connect({ host: podAddress, port });
  socket.end(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

/** Asks until the answer is this one; returns how many ms that took. */
async function until(answer: string, withinMs: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    const found = await ask().catch((error: Error) => error.message);
    const ms = performance.now() - started;
    if (found === answer) return ms;
    assert.ok(ms < withinMs, `after ${ms} ms still: ${found}`);
    await sleep(5);
  }
}

function answerAsLaptop(manager: TestManager, sources: string[] = []): void {
  manager.onFlow = (flow) => {
    sources.push(String(flow.headers[sourceHeader]));
    const { stream } = flow.accept();
    stream.on('data', (chunk: Buffer) => stream.write(`laptop:${String(chunk)}`));
    stream.on('end', () => stream.end());
  };
}

function manager(): Promise<TestManager> {
  return testManager({ host: clusterAddress, port: managerPort });
}

test('a pod’s traffic goes to the laptop, and to the app whenever the laptop cannot have it', async () => {
  using agent = await startAgent();
  assert.equal(await ask(), 'app:hello', 'without a manager');
  {
    await using it = await manager();
    const sources: string[] = [];
    answerAsLaptop(it, sources);
    it.want([take]);
    await it.reported(true);
    assert.equal(await ask(), 'laptop:hello');
    assert.match(sources[0] ?? '', new RegExp(`^${clusterAddress}:\\d+$`));
    assert.equal(await ask(8080, 'who?'), 'laptop:who?');

    it.onFlow = (flow) => flow.refuse('Unavailable');
    assert.equal(await ask(8080, 'who?'), `app:${podAddress}`, 'by the agent');

    it.onFlow = () => {};
    const started = performance.now();
    assert.equal(await ask(8080, 'GET / '), 'app:GET / ', 'no answer');
    const ms = performance.now() - started;
    assert.ok(ms > 240 && ms < 5000, `${ms} ms`);

    it.onFlow = (flow) => flow.refuse('Refused');
    await assert.rejects(ask(), { code: 'ECONNRESET' });
    answerAsLaptop(it);
    assert.equal(await ask(), 'laptop:hello');

    const open = net.connect({ host: podAddress, port: 8080 });
    open.write('hello');
    await once(open, 'data');
    const reset = once(open, 'error');
    it.want([]);
    await it.reported(true);
    assert.equal((await reset)[0].code, 'ECONNRESET', 'idle at the switch');
    assert.equal(await ask(8080, 'who?'), `app:${clusterAddress}`, 'by the kernel');

    it.onFlow = (flow) => flow.refuse('Unavailable');
    it.want([{ ...take, containerPort: 8081 }]);
    await it.reported(true);
    assert.equal(await ask(8081), 'app:hello', 'an app on loopback');

    answerAsLaptop(it);
    it.want([take]);
    await it.reported(true);
    assert.equal(await ask(), 'laptop:hello');
  }
  const lost = await until('app:hello', 300);
  assert.equal(await ask(8080, 'who?'), `app:${clusterAddress}`, `by the kernel, ${lost} ms later`);
  {
    await using again = await manager();
    answerAsLaptop(again);
    again.want([take]);
    await until('laptop:hello', 10_000);
    await end(agent, 'SIGKILL');
    const ms = await until('app:hello', 600);
    assert.ok(ms < 600);
  }
});

test('probes of a taken port stay the app’s, everything else of the node is the laptop’s', async () => {
  // The test is the pod's gateway, as the node is.
  using agent = await startAgent();
  await using it = await manager();
  const sources: string[] = [];
  answerAsLaptop(it, sources);
  it.want([take]);
  await it.reported(true);
  const probe = 'GET / HTTP/1.1\r\nUser-Agent: kube-probe/1.36\r\n\r\n';
  assert.equal(await ask(8080, probe), `app:${probe}`);
  assert.equal(await ask(8080, ''), '', 'a probe that only connects');
  assert.deepEqual(sources, []);
  assert.equal(await ask(), 'laptop:hello');
  await end(agent, 'SIGTERM');
});

test('the pod dials for the laptop, but never its own loopback', async () => {
  using agent = await startAgent();
  await using it = await manager();
  const outbound = await it.outbound();
  const signal = AbortSignal.timeout(5000);
  await using service = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.end('the service');
  });
  service.listen(managerPort + 1, clusterAddress);
  await once(service, 'listening');
  const authority = `${clusterAddress}:${managerPort + 1}`;
  const flow = await outbound.openFlow({ authority, signal });
  let answer = '';
  for await (const chunk of flow.stream.setEncoding('utf8')) answer += String(chunk);
  assert.equal(answer, 'the service');
  for (const never of ['127.0.0.1:8081', '169.254.169.254:80', '[::1]:8080']) {
    const dialled = outbound.openFlow({ authority: never, signal });
    await assert.rejects(dialled, { code: 'Forbidden' });
  }
  const refused = outbound.openFlow({ authority: `${clusterAddress}:1`, signal });
  await assert.rejects(refused, { code: 'Refused' });
  await end(agent, 'SIGTERM');
});

test('no connection is lost when an agent is stopped', async () => {
  using agent = await startAgent();
  await using it = await manager();
  answerAsLaptop(it);
  it.want([take]);
  await it.reported(true);
  const ended = once(agent, 'exit');
  const answers: string[] = [];
  const asking = (async () => {
    while (agent.exitCode === null && agent.signalCode === null) answers.push(await ask());
  })();
  await sleep(100);
  agent.kill('SIGTERM');
  await asking;
  assert.deepEqual(await ended, [0, null]);
  assert.deepEqual(new Set(answers), new Set(['laptop:hello', 'app:hello']));
});

test('an agent whose rules are missing says so, and the app answers', async () => {
  pod.run(['nft', 'flush', 'ruleset']);
  using agent = await startAgent();
  await using it = await manager();
  answerAsLaptop(it);
  it.want([take]);
  // Before it can be tried, the reason is that the connection for taken traffic is still to come.
  await it.reported(false, /rules of the init container tel-agent-init are not there/);
  assert.equal(await ask(), 'app:hello');
  await end(agent, 'SIGTERM');
  pod.layRules();
});
