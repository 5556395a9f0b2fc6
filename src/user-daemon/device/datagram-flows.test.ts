import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { parseIp, type IpAddress } from '#protocol/ip-address.ts';
import { decodeIpPacket } from '#protocol/packets/ip-packet.ts';
import { decodeUdpDatagram, encodeUdpPacket } from '#protocol/packets/udp-datagram.ts';
import { carryDatagrams } from '#tunnel/datagrams.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { sessionPair, type SessionPair } from '#tunnel/session.fixture.ts';
import { createDatagramFlows, type DatagramFlows } from './datagram-flows.ts';
import { outgoingUdp } from './outgoing.ts';

const address = (text: string): IpAddress => parseIp(text) ?? assert.fail();
const both = { source: address('192.0.2.1'), destination: address('10.244.0.5') };

interface Lab extends AsyncDisposable {
  readonly flows: DatagramFlows;
  readonly pair: SessionPair;
  readonly written: string[];
  next(): Promise<string>;
  send(sourcePort: number, text?: string): void;
  pass(ms: number): void;
}

async function createLab(onFlow: (flow: IncomingFlow) => void): Promise<Lab> {
  const pair = await sessionPair({ onFlow });
  let now = 0;
  let sweep = (): void => {};
  const clock: Pick<Clock, 'every' | 'monotonic'> = {
    monotonic: () => now,
    every(_ms, run) {
      sweep = run;
      return { [Symbol.dispose]: () => (sweep = () => {}) };
    },
  };
  const written: string[] = [];
  let wake = Promise.withResolvers<void>();
  const flows = createDatagramFlows({
    clock,
    log: silentLogger,
    pickSession: () => pair.client,
    write(bytes) {
      const packet = decodeIpPacket(bytes) ?? assert.fail();
      const datagram = packet.protocol === 17 ? decodeUdpDatagram(packet.payload) : undefined;
      written.push(
        datagram === undefined
          ? `icmp ${packet.payload[0]} ${packet.payload[1]}`
          : `${datagram.destinationPort} ${String(datagram.payload)}`,
      );
      wake.resolve();
      wake = Promise.withResolvers();
    },
  });
  return {
    flows,
    pair,
    written,
    async next() {
      while (written.length === 0) await wake.promise;
      return written.shift() ?? '';
    },
    send(sourcePort, text = 'hello') {
      const datagram = { sourcePort, destinationPort: 53, payload: Buffer.from(text) };
      const bytes = encodeUdpPacket(both, datagram);
      const packet = decodeIpPacket(bytes) ?? assert.fail();
      flows.take(outgoingUdp(packet) ?? assert.fail(), bytes);
    },
    pass(ms) {
      now += ms;
      sweep();
    },
    async [Symbol.asyncDispose]() {
      flows[Symbol.dispose]();
      await pair[Symbol.asyncDispose]();
    },
  };
}

const echo = (flow: IncomingFlow): void => {
  const datagrams = carryDatagrams(flow.accept().stream, {
    onDatagram: (payload) => datagrams.send(payload),
  });
};

test('each socket has its flow, answers find their way back', async () => {
  await using lab = await createLab(echo);
  lab.send(1000, 'a');
  assert.equal(await lab.next(), '1000 a');
  lab.send(2000, 'b');
  assert.equal(await lab.next(), '2000 b');
  lab.send(1000, 'c');
  assert.equal(await lab.next(), '1000 c');
  assert.equal(lab.flows.open, 2);
});

test('idle flows end: sooner where nobody ever answered', async () => {
  await using lab = await createLab((flow) => {
    if (lab.flows.open === 1) echo(flow);
    else flow.accept();
  });
  lab.send(1000);
  await lab.next();
  lab.send(2000);
  lab.pass(29_999);
  assert.equal(lab.flows.open, 2);
  lab.pass(1);
  assert.equal(lab.flows.open, 1);
  lab.pass(89_999);
  assert.equal(lab.flows.open, 1);
  lab.pass(1);
  assert.equal(lab.flows.open, 0);
  while (lab.pair.client.openFlows > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('no more than 1024 at once: the one idle for the longest gives way', async () => {
  await using lab = await createLab(echo);
  for (let port = 1; port <= 1024; port += 1) lab.send(port);
  lab.send(1);
  lab.send(5000);
  assert.equal(lab.flows.open, 1024);
  while (lab.pair.client.openFlows > 1024) await new Promise((resolve) => setImmediate(resolve));
});

test('a refusal is told for each packet, and asked about again after a while', async () => {
  let asked = 0;
  await using lab = await createLab((flow) => {
    asked += 1;
    flow.refuse('Forbidden');
  });
  lab.send(1000);
  assert.equal(await lab.next(), 'icmp 3 13');
  lab.send(1000);
  assert.equal(await lab.next(), 'icmp 3 13');
  assert.equal(asked, 1);
  lab.pass(1000);
  lab.send(1000);
  assert.equal(await lab.next(), 'icmp 3 13');
  assert.equal(asked, 2);
});

test('a closed port is told as such, a lost flow begins anew', async () => {
  let flow: IncomingFlow | undefined;
  await using lab = await createLab((incoming) => {
    flow = incoming;
    carryDatagrams(incoming.accept().stream, { onDatagram: () => {} }).sendUnreachable();
  });
  lab.send(1000);
  assert.equal(await lab.next(), 'icmp 3 3');
  flow?.stream.destroy(new Error('lost'));
  while (lab.flows.open > 0) await new Promise((resolve) => setImmediate(resolve));
  lab.send(1000);
  assert.equal(await lab.next(), 'icmp 3 3');
});
