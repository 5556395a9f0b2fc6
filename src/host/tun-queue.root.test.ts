import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';

import { decodeIpPacket, ipProtocols } from '#protocol/packets/ip-packet.ts';
import { decodeUdpDatagram, encodeUdpPacket } from '#protocol/packets/udp-datagram.ts';
import { parseSubnet } from '#protocol/ip-address.ts';

import { HostError } from './errors.ts';
import { openLibc } from './libc.ts';
import { enterOwnNetworkNamespace } from './own-namespace.ts';
import { runTool } from './run-tool.ts';
import { createOpenTunQueue, type TunQueue } from './tun-queue.ts';
import { openTun, type TunDevice } from './tun.ts';

before(() => enterOwnNetworkNamespace());

const nobody = 65534;
const libc = openLibc();
const openTunQueue = createOpenTunQueue({ libc });
const signal = (): AbortSignal => AbortSignal.timeout(5000);

async function device(ownerUid: number): Promise<TunDevice> {
  const tun = await openTun({ libc, runTool }, { name: 'tel0', ownerUid, signal: signal() });
  await tun.apply({ subnets: [parseSubnet('10.244.0.0/16') ?? assert.fail()] }, signal());
  return tun;
}

/** A queue that answers each datagram with itself. */
function echo(): TunQueue {
  const queue: TunQueue = openTunQueue({
    name: 'tel0',
    onPacket(bytes) {
      const packet = decodeIpPacket(bytes);
      if (packet?.protocol !== ipProtocols.udp) return;
      const { source, destination } = packet;
      const datagram = decodeUdpDatagram(packet.payload) ?? assert.fail();
      queue.write(
        encodeUdpPacket(
          { source: destination, destination: source },
          {
            sourcePort: datagram.destinationPort,
            destinationPort: datagram.sourcePort,
            payload: datagram.payload,
          },
        ),
      );
    },
  });
  return queue;
}

async function ask(payload: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    const answer = once(socket, 'message', { signal: signal() });
    socket.send(payload, 5353, '10.244.0.5');
    const [message]: unknown[] = await answer;
    return Buffer.isBuffer(message) ? message : assert.fail();
  } finally {
    socket.close();
  }
}

test('packets go out by the queue and come in by it, of any size, whole', async () => {
  await using _tun = await device(0);
  await using _queue = echo();
  for (const length of [0, 1, 1472, 1473, 9000, 65_507]) {
    const payload = Buffer.alloc(length, 'x');
    assert.ok((await ask(payload)).equals(payload), String(length));
  }
});

test('a queue ends at once though nothing comes, and may be opened again', async () => {
  await using _tun = await device(0);
  for (const again of ['first', 'second']) {
    const queue = echo();
    assert.equal(String(await ask(Buffer.from(again))), again);
    const started = performance.now();
    await queue.close();
    await queue.close();
    assert.ok(performance.now() - started < 1000);
    assert.equal(await queue.closed, undefined);
    queue.write(Buffer.from('to nobody'));
  }
});

test('a device that is removed ends the queue and says so', async () => {
  await using _tun = await device(0);
  const queue = echo();
  execFileSync('ip', ['link', 'del', 'tel0']);
  assert.ok((await queue.closed) instanceof HostError);
  queue.write(Buffer.alloc(20));
});

test('the device goes when root lets go of it, whoever still holds a queue', async () => {
  const tun = await device(0);
  const queue = echo();
  await tun.close();
  assert.throws(() => execFileSync('ip', ['link', 'show', 'tel0'], { stdio: 'pipe' }));
  assert.ok((await queue.closed) instanceof HostError);
});

test('without a device there is no queue, and none is made', () => {
  assert.throws(
    () => echo(),
    (error) => error instanceof HostError && error.code === 'TunMissing',
  );
  assert.throws(() => execFileSync('ip', ['link', 'show', 'tel0'], { stdio: 'pipe' }));
});

interface Child extends AsyncDisposable {
  said(): Promise<string>;
  readonly exited: Promise<unknown>;
}

/** Runs a script as a user without any right, where /dev/net/tun is everybody's as usual. */
async function asNobody(script: string): Promise<Child> {
  const directory = await mkdtemp('/dev/shm/tun-');
  const shell = `mknod "$1" c 10 200 && chmod 666 "$1" && mount --bind "$1" /dev/net/tun && shift &&
    exec setpriv --reuid ${nobody} --regid ${nobody} --clear-groups "$@"`;
  const node = [process.execPath, '--input-type=module', '-e', script];
  const child = spawn('unshare', ['-m', 'sh', '-c', shell, 'sh', join(directory, 'tun'), ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  return {
    exited: exit,
    async said() {
      const [said]: unknown[] = await once(child.stdout, 'data', { signal: signal() });
      return String(said).trim();
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const scriptOf = (body: string): string => `
  import { createOpenTunQueue } from ${JSON.stringify(import.meta.resolve('./tun-queue.ts'))};
  import { openLibc } from ${JSON.stringify(import.meta.resolve('./libc.ts'))};
  const openTunQueue = createOpenTunQueue({ libc: openLibc() });
  const onPacket = (packet) => {
    const at = packet.indexOf('to nobody');
    if (at > 0) console.log(process.getuid(), packet.toString('latin1', at));
  };
  ${body}`;

test('the device’s owner needs no right for a queue, others get none', async () => {
  const script = scriptOf(`try {
    openTunQueue({ name: 'tel0', onPacket });
    console.log('open');
  } catch (error) { console.log(error.code); }`);
  {
    await using _tun = await device(nobody);
    await using child = await asNobody(script);
    assert.equal(await child.said(), 'open');
    const heard = child.said();
    const socket = createSocket('udp4');
    socket.send('to nobody', 5353, '10.244.0.5');
    assert.equal(await heard, `${nobody} to nobody`);
    socket.close();
  }
  await using _tun = await device(1);
  await using child = await asNobody(script);
  assert.equal(await child.said(), 'TunMissing');
});

test('a process that ends with an open queue ends soon', async () => {
  await using _tun = await device(nobody);
  const started = performance.now();
  await using child = await asNobody(
    scriptOf(`process.on('exit', () => console.log('ending'));
    openTunQueue({ name: 'tel0', onPacket });
    setTimeout(() => process.exit(), 50);`),
  );
  assert.equal(await child.said(), 'ending');
  await child.exited;
  assert.ok(performance.now() - started < 10_000);
});
