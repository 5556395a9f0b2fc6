import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { systemCode } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { openLibc } from '#host/libc.ts';
import { createReadOriginalDestination } from '#host/original-destination.ts';
import { createOpenTunQueue } from '#host/tun-queue.ts';
import { DesiredSchema } from '#protocol/gen/telepresence_pb.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { sessionPair, type SessionPair } from '#tunnel/session.fixture.ts';
import { listenForOutbound } from '../flows/outbound-listener.ts';
import { createRoutedSubnets } from '../flows/routed-subnets.ts';
import { createRootDaemonClient, holdMachine } from '../session/machine.ts';
import { createDevice } from './device.ts';

/** For tests in a network namespace: a laptop whose rules and device are real, and a cluster that is `onFlow`. */
export interface TestLaptop extends AsyncDisposable {
  readonly pair: SessionPair;
  /** False: as if the tunnels were down. */
  connected: boolean;
  /** Kills the root daemon. */
  killRoot(): void;
}

export const podSubnet = '10.244.0.0/16';
export const serviceSubnet = '10.96.0.0/16';
export const podSubnetV6 = 'fd00:10:244::/56';
export const serviceSubnetV6 = 'fd00:10:96::/108';
const subnets = [podSubnet, serviceSubnet, podSubnetV6, serviceSubnetV6];

/** Starts the root daemon's program, holds the machine, and carries flows to `onFlow`. */
export async function startLaptop(onFlow: (flow: IncomingFlow) => void): Promise<TestLaptop> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'laptop-'));
  stack.defer(async () => await rm(directory, { recursive: true }));
  const root = await startRootDaemon(directory);
  stack.use(root);
  const libc = openLibc();
  const pair = stack.use(await sessionPair({ onFlow }));
  const laptop = { connected: true };
  const deps = {
    clock: systemClock,
    log: silentLogger,
    random: Math.random,
    openTunQueue: createOpenTunQueue({ libc }),
    readOriginalDestination: createReadOriginalDestination({ libc }),
    pickSession: () => (laptop.connected ? pair.client : undefined),
    routed: createRoutedSubnets(),
  };
  deps.routed.set({ routed: subnets, never: [] });
  const device = stack.use(createDevice(deps));
  const listener = stack.use(await listenForOutbound({ ...deps, gate: device.gate }));
  const machine = stack.use(
    holdMachine({
      ...deps,
      client: createRootDaemonClient(root.socket),
      onApplied: () => device.attach(),
      onLost: () => void device.detach(),
    }),
  );
  machine.want(
    create(DesiredSchema, {
      redirectPort: listener.port,
      ipv6: listener.ipv6,
      subnets,
      serviceSubnets: [serviceSubnet, serviceSubnetV6],
      openServices: ['10.96.0.9', 'fd00:10:96::9'].map((address) => ({ address, port: 80 })),
      gate: true,
    }),
  );
  await machine.applied(AbortSignal.timeout(10_000));
  const owned = stack.move();
  return {
    pair,
    get connected() {
      return laptop.connected;
    },
    set connected(connected) {
      laptop.connected = connected;
    },
    killRoot: root.kill,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function startRootDaemon(
  directory: string,
): Promise<AsyncDisposable & { readonly socket: string; readonly kill: () => void }> {
  const socket = join(directory, 'root.sock');
  const resolvConf = join(directory, 'resolv.conf');
  await writeFile(resolvConf, 'nameserver 198.51.100.53\n');
  const main = fileURLToPath(import.meta.resolve('../../root-daemon/main.ts'));
  // A systemd-resolved of the real machine is out of reach: our links are not of its network.
  const script =
    '[ ! -d /run/systemd/resolve ] || mount -t tmpfs none /run/systemd/resolve; ' +
    'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  const daemon = [process.execPath, main, '--socket', socket, '--uid', '0'];
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', resolvConf, ...daemon], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exit = once(child, 'exit');
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes('"listening"')) break;
  }
  child.stderr.resume();
  return {
    socket,
    kill: () => void child.kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exit;
    },
  };
}

/** What a program sees that connects: the first bytes of who answers, `end`, or the system's code. */
export async function connectTo(
  host: string,
  port: number,
  options: { readonly localPort?: number; readonly ms?: number } = {},
): Promise<{ readonly said: string }> {
  const { localPort, ms = 20_000 } = options;
  const socket = createConnection({ host, port, ...(localPort !== undefined && { localPort }) });
  try {
    const said = await greeting(socket, AbortSignal.timeout(ms));
    return { said };
  } finally {
    // A socket that connects could be reset only once it has, and one that is ending not at all.
    socket.on('error', () => {});
    if (socket.connecting || socket.readableEnded) socket.destroy();
    else socket.resetAndDestroy();
  }
}

async function greeting(socket: Socket, signal: AbortSignal): Promise<string> {
  try {
    await once(socket, 'connect', { signal });
    const end = once(socket, 'end', { signal }).then(() => ['end']);
    const [bytes]: unknown[] = await Promise.race([once(socket, 'data', { signal }), end]);
    return String(bytes);
  } catch (error) {
    return systemCode(error) === 'ABORT_ERR' ? 'silence' : (systemCode(error) ?? String(error));
  }
}
