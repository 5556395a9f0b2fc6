import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { parseIp, type IpAddress } from '#protocol/ip-address.ts';
import { decodeIpPacket, type IpPacket } from '#protocol/packets/ip-packet.ts';
import { decodeTcpSegment, encodeTcpPacket, tcpFlags } from '#protocol/packets/tcp-segment.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { sessionPair } from '#tunnel/session.fixture.ts';
import type { Endpoint } from './endpoint.ts';
import { createSynGate, type SynGate } from './syn-gate.ts';

const address = (text: string): IpAddress => parseIp(text) ?? assert.fail();
const source: Endpoint = { address: address('192.0.2.1'), port: 40_000 };
const target: Endpoint = { address: address('10.244.0.5'), port: 8080 };

interface Lab extends AsyncDisposable {
  readonly gate: SynGate;
  /** What was written to the device, in words. */
  next(): Promise<string>;
  readonly written: string[];
  /** Time passes. */
  pass(ms: number): void;
  syn(sequence?: number, from?: Endpoint): void;
}

async function createLab(onFlow: (flow: IncomingFlow) => void): Promise<Lab> {
  const pair = await sessionPair({ onFlow });
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  const clock: Pick<Clock, 'after' | 'monotonic'> = {
    monotonic: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
  };
  const written: string[] = [];
  let wake = Promise.withResolvers<void>();
  const gate = createSynGate({
    clock,
    log: silentLogger,
    pickSession: () => pair.client,
    write(packet) {
      written.push(words(packet));
      wake.resolve();
      wake = Promise.withResolvers();
    },
  });
  return {
    gate,
    written,
    async next() {
      while (written.length === 0) await wake.promise;
      return written.shift() ?? '';
    },
    pass(ms) {
      now += ms;
      for (const timer of timers) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.run();
      }
    },
    syn(sequence = 1000, from = source) {
      const { packet, bytes } = tcp(from, target, { sequence, flags: tcpFlags.syn });
      gate.take(packet, bytes);
    },
    async [Symbol.asyncDispose]() {
      gate[Symbol.dispose]();
      await pair[Symbol.asyncDispose]();
    },
  };
}

function tcp(
  from: Endpoint,
  to: Endpoint,
  fields: { readonly sequence: number; readonly flags: number },
): { readonly packet: IpPacket; readonly bytes: Buffer } {
  const bytes = encodeTcpPacket(
    { source: from.address, destination: to.address },
    { sourcePort: from.port, destinationPort: to.port, acknowledgement: 0, ...fields },
  );
  return { packet: decodeIpPacket(bytes) ?? assert.fail(), bytes };
}

function words(bytes: Buffer): string {
  const packet = decodeIpPacket(bytes) ?? assert.fail();
  if (packet.protocol !== 6) return `icmp ${packet.payload[0]} ${packet.payload[1]}`;
  const { flags, acknowledgement } = decodeTcpSegment(packet.payload) ?? assert.fail();
  const names: Record<number, string> = { 0: 'open', 1: 'shut', 0x10: 'ack', 0x14: 'rst' };
  return `${names[flags] ?? flags}${flags > 1 ? ` ${acknowledgement}` : ''}`;
}

test('open: the gate opens, the SYN is asked for again, the stream is taken once', async () => {
  await using lab = await createLab((flow) => void flow.accept());
  lab.syn(1000);
  assert.deepEqual([await lab.next(), await lab.next()], ['open', 'ack 1000']);
  assert.equal(lab.gate.waiting, 1);
  // The first answer got lost, or was meant for an older SYN.
  lab.syn(2000);
  assert.deepEqual([await lab.next(), await lab.next()], ['open', 'ack 2000']);
  assert.ok(lab.gate.takeDialled(source, target) !== undefined);
  assert.equal(lab.gate.takeDialled(source, target), undefined);
  assert.equal(lab.gate.waiting, 0);
});

test('another source port gets the stream too; another target does not', async () => {
  await using lab = await createLab((flow) => void flow.accept());
  lab.syn();
  await lab.next();
  assert.equal(lab.gate.takeDialled(source, { ...target, port: 81 }), undefined);
  assert.ok(lab.gate.takeDialled({ ...source, port: 1 }, target) !== undefined);
});

test('refused acknowledges the newest SYN, so that its sender believes it', async () => {
  let refuse = (): void => {};
  const dialled = Promise.withResolvers<void>();
  await using lab = await createLab((flow) => {
    refuse = () => flow.refuse('Refused');
    dialled.resolve();
  });
  lab.syn(1000);
  lab.syn(0xffff_ffff);
  await dialled.promise;
  refuse();
  assert.equal(await lab.next(), 'rst 0');
  assert.equal(lab.gate.waiting, 0);
});

test('nobody takes the stream: it ends after a while', async () => {
  const closed = Promise.withResolvers<void>();
  await using lab = await createLab((flow) => {
    flow.accept().stream.once('close', () => closed.resolve());
  });
  lab.syn();
  await lab.next();
  lab.pass(4999);
  assert.equal(lab.gate.waiting, 1);
  lab.pass(1);
  assert.equal(lab.gate.waiting, 0);
  assert.equal(lab.gate.takeDialled(source, target), undefined);
  await closed.promise;
});

test('the far side ends a stream that waits: the next SYN is dialled anew', async () => {
  const flows: IncomingFlow[] = [];
  await using lab = await createLab((flow) => {
    flows.push(flow);
    flow.accept();
  });
  lab.syn();
  await lab.next();
  await lab.next();
  flows[0]?.stream.destroy(new Error('reset'));
  while (lab.gate.waiting > 0) await new Promise((resolve) => setImmediate(resolve));
  lab.syn();
  assert.equal(await lab.next(), 'open');
  assert.equal(flows.length, 2);
});

test('no more than 2048 wait; the rest is silence', async () => {
  const dials: string[] = [];
  await using lab = await createLab((flow) => {
    dials.push(flow.authority);
  });
  for (let port = 1; port <= 3000; port += 1) lab.syn(1, { ...source, port });
  assert.equal(lab.gate.waiting, 2048);
  while (dials.length < 2048) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(lab.written, []);
});

test('the gate is kept open where connections go through, shut where one was refused', async () => {
  await using lab = await createLab((flow) => void flow.accept());
  lab.gate.learn(target, 'open');
  lab.gate.learn(target, 'refused');
  assert.deepEqual(lab.written, [], 'a place that the gate knows nothing of');
  lab.syn();
  await lab.next();
  await lab.next();
  lab.gate.learn(target, 'open');
  assert.deepEqual(lab.written, [], 'open already');
  lab.pass(10_000);
  lab.gate.learn(target, 'open');
  assert.equal(await lab.next(), 'open');
  lab.gate.learn(target, 'refused');
  assert.equal(await lab.next(), 'shut');
  lab.gate.learn(target, 'refused');
  assert.deepEqual(lab.written, []);
});

test('only first SYNs count, whatever comes', async () => {
  await using lab = await createLab(() => assert.fail('dialled'));
  fc.assert(
    fc.property(fc.nat(0x3f), fc.nat(0xffff), (flags, port) => {
      const first = (flags & tcpFlags.syn) !== 0 && (flags & 0x15) === 0 && port !== 0;
      if (first) return;
      const { packet, bytes } = tcp(source, { ...target, port }, { sequence: 1, flags });
      lab.gate.take(packet, bytes);
      lab.gate.take({ ...packet, payload: packet.payload.subarray(0, port % 20) }, bytes);
      assert.equal(lab.gate.waiting, 0);
    }),
  );
});
