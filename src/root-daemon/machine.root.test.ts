import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { after, before, test } from 'node:test';

import { Code, ConnectError } from '@connectrpc/connect';

import { openLibc } from '#host/libc.ts';
import {
  createReadOriginalDestination,
  type OriginalDestination,
} from '#host/original-destination.ts';
import { enterOwnNetworkNamespace } from '#host/own-namespace.ts';

import {
  holdMachine,
  startDaemon,
  tracesOfUs,
  untilGone,
  type DesiredFields,
} from './testing.fixture.ts';

let listener: Server;
let listenerV6: Server;
let redirectPort = 0;
before(async () => {
  enterOwnNetworkNamespace();
  listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  redirectPort = portOf(listener);
  listenerV6 = createServer().listen(redirectPort, '::1');
  await once(listenerV6, 'listening');
});
after(() => {
  listener.close();
  listenerV6.close();
});

const readOriginalDestination = createReadOriginalDestination({ libc: openLibc() });

const desired = (fields: DesiredFields = {}): DesiredFields => ({
  epoch: 1n,
  redirectPort,
  subnets: ['10.96.0.0/12', '10.244.0.0/16'],
  serviceSubnets: ['10.96.0.0/12'],
  openServices: [{ address: '10.96.0.9', port: 80 }],
  ...fields,
});

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  assert(address !== null && typeof address === 'object');
  return address.port;
}

/** Dials, and returns where the redirected connection wanted to go, or the refusal. */
async function dial(host: string, port: number): Promise<OriginalDestination | string> {
  const accepted = once(host.includes(':') ? listenerV6 : listener, 'connection');
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1000) });
    const [peer] = await accepted;
    assert(peer instanceof Socket);
    const original = readOriginalDestination(peer);
    peer.destroy();
    return original ?? 'direct';
  } catch (error) {
    assert(error instanceof Error);
    return 'code' in error ? String(error.code) : error.message;
  } finally {
    socket.destroy();
  }
}

test('TCP to the cluster is redirected, and refused where no service answers', async () => {
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  assert.deepEqual((await hold.apply(desired())).failure, undefined);

  assert.deepEqual(await dial('10.96.0.9', 80), { address: '10.96.0.9', port: 80 });
  assert.deepEqual(await dial('10.244.0.5', 8080), { address: '10.244.0.5', port: 8080 });
  assert.equal(await dial('10.96.0.9', 81), 'ECONNREFUSED');
  assert.equal(await dial('10.96.0.10', 80), 'ECONNREFUSED');

  const openServices = [{ address: '10.96.0.10', port: 80 }];
  assert.equal((await hold.apply(desired({ epoch: 2n, openServices }))).epoch, 2n);
  assert.deepEqual(await dial('10.96.0.10', 80), { address: '10.96.0.10', port: 80 });
  assert.equal(await dial('10.96.0.9', 80), 'ECONNREFUSED');

  await hold.apply({ epoch: 3n });
  assert.equal(tracesOfUs(), '');
  assert.equal(await dial('10.96.0.9', 80), 'ABORT_ERR');
});

const dual = (fields: DesiredFields = {}): DesiredFields =>
  desired({
    ipv6: true,
    subnets: ['10.96.0.0/12', 'fd00:10:96::/108', 'fd00:10:244::/56'],
    serviceSubnets: ['10.96.0.0/12', 'fd00:10:96::/108'],
    openServices: [
      { address: '10.96.0.9', port: 80 },
      { address: 'fd00:10:96::9', port: 80 },
    ],
    ...fields,
  });
const routeTo = (address: string): string =>
  execFileSync('ip', ['route', 'get', address]).toString();

test('IPv6: redirected, refused, routed and spared as IPv4 is; and nothing is left', async () => {
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  const { failure } = await hold.apply(
    dual({
      neverProxy: ['fd00:10:244:7::/64'],
      neverPorts: [{ address: 'fd00:10:96::1', port: 443 }],
    }),
  );
  assert.equal(failure, undefined);
  const there = { address: 'fd00:10:96::9', port: 80 };
  assert.deepEqual(await dial(there.address, 80), there);
  assert.deepEqual(await dial('fd00:10:244::5', 80), { address: 'fd00:10:244::5', port: 80 });
  assert.deepEqual(await dial('10.96.0.9', 80), { address: '10.96.0.9', port: 80 });
  assert.equal(await dial('fd00:10:96::9', 81), 'ECONNREFUSED');
  assert.equal(await dial('fd00:10:96::a', 80), 'ECONNREFUSED');
  assert.match(routeTo('fd00:10:244::5'), /dev tel0/);
  assert.doesNotMatch(routeTo('fd00:10:244:7::5'), /dev tel0/);
  assert.doesNotMatch(routeTo('fd00:10:96::1'), /dev tel0/);

  const openServices = [{ address: 'fd00:10:96::a', port: 80 }];
  await hold.apply(dual({ openServices }));
  assert.deepEqual(await dial('fd00:10:96::a', 80), { address: 'fd00:10:96::a', port: 80 });
  assert.equal(await dial('fd00:10:96::9', 80), 'ECONNREFUSED');

  await hold.apply(dual({ ipv6: false }));
  assert.doesNotMatch(routeTo('fd00:10:244::5'), /dev tel0/, 'nobody listens there');
  await hold.apply(dual());
  daemon.process.kill('SIGKILL');
  await untilGone(500);
  assert.doesNotMatch(execFileSync('ip', ['-6', 'route']).toString(), /fd00:10|fd74/);
});

test('IPv6: a conflict is named', async () => {
  execFileSync('ip', ['-6', 'route', 'add', 'fd00:10:244:8::/64', 'via', '2001:db8::2']);
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  const { failure } = await hold.apply(dual());
  assert.match(
    failure?.message ?? '',
    /fd00:10:244::\/56 overlaps with the route fd00:10:244:8::\/64 dev out0/,
  );
  execFileSync('ip', ['-6', 'route', 'del', 'fd00:10:244:8::/64', 'via', '2001:db8::2']);
});

test('IPv6: a machine without an address of its own there, or with IPv6 off for new devices', async () => {
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
  execFileSync('ip', ['-6', 'address', 'flush', 'dev', 'out0', 'scope', 'global']);
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  assert.equal((await hold.apply(dual())).failure, undefined);
  const there = { address: 'fd00:10:96::9', port: 80 };
  assert.deepEqual(await dial(there.address, 80), there);
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=0']);
});

test('what is to be left alone is not touched', async () => {
  execFileSync('ip', ['address', 'add', '10.96.0.1/32', 'dev', 'lo']);
  const apiServer = createServer((socket) => socket.end('api')).listen(443, '10.96.0.1');
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  const { failure } = await hold.apply(
    desired({ neverPorts: [{ address: '10.96.0.1', port: 443 }], neverProxy: ['10.244.7.0/24'] }),
  );
  assert.equal(failure, undefined);
  const socket = connect({ host: '10.96.0.1', port: 443 });
  const [bytes] = await once(socket, 'data');
  assert.equal(String(bytes), 'api');
  assert.match(execFileSync('ip', ['route', 'get', '10.244.8.1']).toString(), /dev tel0/);
  assert.doesNotMatch(execFileSync('ip', ['route', 'get', '10.244.7.1']).toString(), /dev tel0/);
  socket.destroy();
  apiServer.close();
  execFileSync('ip', ['address', 'del', '10.96.0.1/32', 'dev', 'lo']);
});

test('a conflict is named and changes nothing, and may be allowed', async () => {
  execFileSync('ip', ['route', 'add', '10.100.0.0/16', 'via', '192.0.2.2']);
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  const { failure } = await hold.apply(desired());
  assert.equal(failure?.code, 'SubnetConflict');
  assert.match(
    failure.message,
    /10\.96\.0\.0\/12 overlaps with the route 10\.100\.0\.0\/16 dev out0/,
  );
  assert.equal(tracesOfUs(), '');
  const allowed = await hold.apply(desired({ allowConflictingSubnets: true }));
  assert.equal(allowed.failure, undefined);
  execFileSync('ip', ['route', 'del', '10.100.0.0/16', 'via', '192.0.2.2']);
});

test('what is this machine’s own stays its own, also when it comes later', async () => {
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  const before = await hold.apply(desired({ avoidConflicts: true }));
  assert.equal(before.failure, undefined);
  assert.ok(before.routed.includes('10.96.0.0/12'));
  assert.deepEqual([before.virtual, before.virtualRanges], [[], []]);
  execFileSync('ip', ['address', 'add', '10.100.0.1/16', 'dev', 'lo']);
  const server = createServer((socket) => socket.end('own')).listen(443, '10.100.0.1');
  // Nobody asked: the machine was looked at again.
  const after = await hold.next();
  assert.equal(after.epoch, before.epoch);
  assert.deepEqual(
    after.virtual.map(({ subnet, knownAs }) => [subnet, knownAs]),
    [['10.96.0.0/12', '246.246.0.0/16']],
  );
  assert.match(after.virtual[0]?.why ?? '', /the route 10\.100\.0\.\S+ dev lo/);
  assert.ok(!after.routed.includes('10.96.0.0/12') && after.routed.includes('246.246.0.0/16'));
  const socket = connect({ host: '10.100.0.1', port: 443 });
  const [bytes] = await once(socket, 'data');
  assert.equal(String(bytes), 'own');
  const way = (to: string): string => execFileSync('ip', ['route', 'get', to]).toString();
  assert.doesNotMatch(way('10.96.0.1'), /dev tel0/);
  assert.match(way('246.246.0.1'), /dev tel0/);
  socket.destroy();
  server.close();
  execFileSync('ip', ['address', 'del', '10.100.0.1/16', 'dev', 'lo']);
});

test('kill -9 of the root daemon leaves nothing', async () => {
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  await hold.apply(desired());
  assert.notEqual(tracesOfUs(), '');
  daemon.process.kill('SIGKILL');
  await untilGone(500);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} takes all back and ends the daemon`, async () => {
    await using daemon = await startDaemon();
    await using hold = holdMachine(daemon);
    await hold.apply(desired());
    daemon.process.kill(signal);
    assert.equal(await daemon.exited(), '0');
    assert.equal(tracesOfUs(), '');
  });
}

test('the end of the stream takes all back, and another may hold', async () => {
  await using daemon = await startDaemon();
  const hold = holdMachine(daemon);
  await hold.apply(desired());
  await hold[Symbol.asyncDispose]();
  await untilGone(1000);
  await using second = holdMachine(daemon);
  assert.equal((await second.apply(desired())).failure, undefined);
});

test('kill -9 of the user daemon takes all back', async () => {
  await using daemon = await startDaemon();
  const script = `
    import { holdMachine, clientOf } from ${JSON.stringify(import.meta.resolve('./testing.fixture.ts'))};
    const hold = holdMachine({ client: clientOf(${JSON.stringify(daemon.socketPath)}) });
    const fields = ${JSON.stringify({ redirectPort, subnets: ['10.96.0.0/12'] })};
    const { failure } = await hold.apply(fields);
    console.log(failure?.message ?? 'held');`;
  const user = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(user.stdout, 'data');
  assert.equal(String(said).trim(), 'held');
  assert.notEqual(tracesOfUs(), '');
  user.kill('SIGKILL');
  await untilGone(1000);
});

test('a killed nft ends the hold, and all is as before', async () => {
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  await hold.apply(desired());
  const pid = execFileSync('pgrep', ['-P', String(daemon.process.pid), '-x', 'nft']).toString();
  process.kill(Number(pid), 'SIGKILL');
  await assert.rejects(
    hold.next(),
    (error) =>
      error instanceof ConnectError && error.code === Code.Aborted && /nft/.test(error.message),
  );
  await untilGone(1000);
});

test('a second hold is refused while the first lasts', async () => {
  await using daemon = await startDaemon();
  await using hold = holdMachine(daemon);
  await hold.apply(desired());
  await using second = holdMachine(daemon);
  await assert.rejects(
    second.apply(desired()),
    (error) => error instanceof ConnectError && error.code === Code.AlreadyExists,
  );
  assert.deepEqual(await dial('10.96.0.9', 80), { address: '10.96.0.9', port: 80 });
  const status = await daemon.client.status({});
  assert.deepEqual(status.subnets, ['10.96.0.0/12', '10.244.0.0/16']);
  await daemon.client.quit({});
  assert.equal(await daemon.exited(), '0');
});
