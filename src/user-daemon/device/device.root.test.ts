import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { before, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { enterOwnNetworkNamespace } from '#host/own-namespace.ts';
import { createOpenEcho } from '#host/ping-socket.ts';
import { createDatagramDialer, openUdp } from '#tunnel/dial-udp.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { connectTo, startLaptop } from './laptop.fixture.ts';

before(() => {
  enterOwnNetworkNamespace();
  execFileSync('sysctl', ['-q', 'net.ipv4.ping_group_range=0 2147483647']);
});

const pod = '10.244.0.5';
const signal = (): AbortSignal => AbortSignal.timeout(5000);

/** A cluster in which only TCP happens: every dial is counted and answered by `decide`. */
function cluster(decide: (flow: IncomingFlow) => void): {
  readonly onFlow: (flow: IncomingFlow) => void;
  readonly dials: string[];
} {
  const dials: string[] = [];
  return {
    dials,
    onFlow(flow) {
      dials.push(flow.authority);
      decide(flow);
    },
  };
}

/** Says who it is. */
const greet = (flow: IncomingFlow): void => {
  flow.accept().stream.write(`I am ${flow.authority}`);
};
const gateSet = (): string =>
  execFileSync('nft', ['list', 'set', 'inet', 'telepresence', 'dialled4']).toString();

test('open: one dial for a connection, the first through the gate, the next at once', async () => {
  const { onFlow, dials } = cluster(greet);
  await using _laptop = await startLaptop(onFlow);
  const first = await connectTo(pod, 8080);
  assert.equal(first.said, `I am ${pod}:8080`);
  assert.match(gateSet(), /10\.244\.0\.5 \. 8080/);
  const second = await connectTo(pod, 8080);
  assert.equal(second.said, `I am ${pod}:8080`);
  assert.equal(dials.length, 2);
});

test('a server that hangs up at once is heard to, by the first connection too', async () => {
  const { onFlow } = cluster((flow) => {
    const { stream } = flow.accept();
    stream.resume().end();
  });
  await using _laptop = await startLaptop(onFlow);
  for (const which of ['first', 'next']) {
    assert.equal((await connectTo(pod, 8080, { ms: 5000 })).said, 'end', which);
  }
});

test('refused is refused, unreachable is unreachable, prohibited is that', async () => {
  const answers = new Map([
    [81, 'Refused'],
    [82, 'Unreachable'],
    [83, 'Forbidden'],
  ] as const);
  const { onFlow } = cluster((flow) => {
    const port = Number(flow.authority.split(':')[1]);
    for (const [one, refusal] of answers) if (one === port) flow.refuse(refusal);
  });
  await using laptop = await startLaptop(onFlow);
  for (const again of [1, 2]) {
    assert.equal((await connectTo(pod, 81)).said, 'ECONNREFUSED', `time ${again}`);
    assert.equal((await connectTo(pod, 82)).said, 'EHOSTUNREACH', `time ${again}`);
    assert.equal((await connectTo(pod, 83)).said, 'EHOSTUNREACH', `time ${again}`);
  }
  assert.equal((await connectTo(pod, 84, { ms: 300 })).said, 'silence', 'not answered');
  laptop.connected = false;
  assert.equal((await connectTo(pod, 81, { ms: 300 })).said, 'silence', 'no tunnel');
  laptop.connected = true;
  assert.doesNotMatch(gateSet(), /10\.244/);
});

test('a port that closes is refused again after one connection that learned it', async () => {
  let open = true;
  const { onFlow } = cluster((flow) => {
    if (open) greet(flow);
    else flow.refuse('Refused');
  });
  await using _laptop = await startLaptop(onFlow);
  assert.match((await connectTo(pod, 8080)).said, /^I am/);
  open = false;
  assert.equal((await connectTo(pod, 8080)).said, 'ECONNRESET');
  assert.equal((await connectTo(pod, 8080)).said, 'ECONNREFUSED');
  open = true;
  assert.match((await connectTo(pod, 8080)).said, /^I am/);
});

test('200 first connections at once: each gets its own stream, none is lost or left', async () => {
  let streams = 0;
  const { onFlow, dials } = cluster((flow) => {
    setTimeout(() => {
      streams += 1;
      flow.accept().stream.write(`stream ${String(streams)}`);
    }, 20);
  });
  await using laptop = await startLaptop(onFlow);
  const said = await Promise.all(
    Array.from({ length: 200 }, async () => (await connectTo(pod, 8080, { ms: 20_000 })).said),
  );
  assert.equal(
    new Set(said).size,
    200,
    said.find((each) => !each.startsWith('stream')) ?? 'some twice',
  );
  assert.equal(dials.length, 200);
  while (laptop.pair.client.openFlows > 0) await new Promise((resolve) => setTimeout(resolve, 50));
});

test('a source port used again, and a client that gives up while it is dialled', async () => {
  let answer = Promise.withResolvers<void>();
  const { onFlow } = cluster((flow) => {
    void answer.promise.then(() => {
      if (!flow.signal.aborted) greet(flow);
    });
  });
  await using laptop = await startLaptop(onFlow);
  const localPort = 45_678;
  assert.equal((await connectTo(pod, 8080, { localPort, ms: 200 })).said, 'silence');
  // The same four-tuple, another SYN, while the first dial is under way.
  const second = connectTo(pod, 8080, { localPort, ms: 10_000 });
  setTimeout(() => answer.resolve(), 100);
  assert.equal((await second).said, `I am ${pod}:8080`);
  assert.equal((await connectTo(pod, 8080, { localPort: localPort + 1 })).said, `I am ${pod}:8080`);
  answer = Promise.withResolvers();
  assert.equal((await connectTo('10.244.0.6', 8080, { ms: 200 })).said, 'silence');
  answer.resolve();
  // Nobody comes for that stream: it ends by itself.
  const started = performance.now();
  while (laptop.pair.client.openFlows > 0) {
    assert.ok(performance.now() - started < 15_000, 'a stream that nobody took is still open');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

test('services do not meet the gate', async () => {
  const { onFlow, dials } = cluster(greet);
  await using _laptop = await startLaptop(onFlow);
  assert.equal((await connectTo('10.96.0.9', 80)).said, 'I am 10.96.0.9:80');
  assert.equal((await connectTo('10.96.0.9', 81)).said, 'ECONNREFUSED');
  assert.equal(dials.length, 1);
  assert.doesNotMatch(gateSet(), /10\.96/);
});

test('through a firewall that lets in only what was asked for', async () => {
  const firewall = `table inet firewall { chain input { type filter hook input priority 0; policy drop;
    iifname lo accept; ct state established,related accept; ct state invalid drop;
  }
}
`;
  execFileSync('nft', ['-f', '-'], { input: firewall });
  const { onFlow } = cluster((flow) => {
    if (flow.kind === 'tcp' && flow.authority.endsWith(':80')) greet(flow);
    else if (flow.kind === 'tcp' && flow.authority.endsWith(':82')) flow.refuse('Unreachable');
    else if (flow.kind === 'tcp') flow.refuse('Refused');
  });
  await using _laptop = await startLaptop(onFlow);
  assert.equal((await connectTo(pod, 80)).said, `I am ${pod}:80`);
  assert.equal((await connectTo(pod, 81)).said, 'ECONNREFUSED');
  assert.equal((await connectTo(pod, 82)).said, 'EHOSTUNREACH');
  execFileSync('nft', ['delete', 'table', 'inet', 'firewall']);
});

/** Datagrams are sent to loopback, whatever pod they are for; `127.0.0.1:port` stands for each. */
function datagrams(): (flow: IncomingFlow) => void {
  const udp = createDatagramDialer({ clock: systemClock, open: openUdp });
  const echo = createDatagramDialer({ clock: systemClock, open: createOpenEcho() });
  return (flow) => {
    const [host = '', port] = flow.authority.split(':');
    if (host === '10.244.0.66') flow.refuse('Forbidden');
    else if (flow.kind === 'udp') udp(flow, { host: '127.0.0.1', port: Number(port) });
    else if (flow.kind === 'echo' && host === pod) echo(flow, { host: '127.0.0.1', port: 7 });
    else if (flow.kind === 'echo') flow.refuse('Unavailable');
  };
}

async function udpEcho(): Promise<{ readonly socket: Socket; readonly port: number }> {
  const socket = createSocket('udp4', (bytes, from) => socket.send(bytes, from.port, from.address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

async function connectUdp(host: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.connect(port, host);
  await once(socket, 'connect');
  return socket;
}

test('UDP: every size comes back whole, a closed port is refused, a prohibited one unreachable', async () => {
  const server = await udpEcho();
  await using laptop = await startLaptop(datagrams());
  const socket = await connectUdp(pod, server.port);
  for (const length of [0, 1, 1472, 1473, 60_000]) {
    const answer = once(socket, 'message', { signal: signal() });
    socket.send(Buffer.alloc(length, 'x'));
    const [bytes]: unknown[] = await answer;
    assert.ok(Buffer.isBuffer(bytes) && bytes.equals(Buffer.alloc(length, 'x')), String(length));
  }
  assert.equal(laptop.pair.client.openFlows, 1, 'one flow for all of them');
  socket.close();
  server.socket.close();
  for (const [host, code] of [
    [pod, 'ECONNREFUSED'],
    ['10.244.0.66', 'EHOSTUNREACH'],
  ] as const) {
    const refused = await connectUdp(host, 9);
    const told = once(refused, 'error', { signal: signal() });
    refused.send('anybody?');
    const [error]: unknown[] = await told;
    assert.ok(error instanceof Error && error.message.includes(code), String(error));
    refused.close();
  }
});

test('ping: the far side’s own answer, or that nobody there may ask', async () => {
  await using _laptop = await startLaptop(datagrams());
  const ping = async (host: string): Promise<string> => {
    const { socket, outgoing, incoming } = createOpenEcho()(host);
    socket.connect(1, host);
    await once(socket, 'connect');
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(1000) });
    socket.send(outgoing(Buffer.from('\0\x07hello')) ?? assert.fail());
    try {
      const [bytes]: unknown[] = await heard;
      assert.ok(Buffer.isBuffer(bytes));
      return String(incoming(bytes));
    } catch (error) {
      return String(error);
    } finally {
      socket.close();
    }
  };
  assert.equal(await ping(pod), '\0\x07hello');
  assert.match(await ping('10.244.0.7'), /EHOSTUNREACH/);
});

test('kill -9 of the root daemon: the device and its routes go with the rules', async () => {
  const { onFlow } = cluster(greet);
  await using laptop = await startLaptop(onFlow);
  laptop.killRoot();
  const started = performance.now();
  while (execFileSync('sh', ['-c', 'ip -o link; ip route; nft list tables']).includes('tel')) {
    assert.ok(performance.now() - started < 2000, 'still there');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
