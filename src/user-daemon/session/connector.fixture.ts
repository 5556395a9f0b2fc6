import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createFakeRemoteMounts } from '#host/mounts/remote-mounts.fake.ts';
import type { OriginalDestination } from '#host/original-destination.ts';
import { ConnectRequestSchema, type ConnectRequest } from '#protocol/gen/telepresence_pb.ts';
import { createConnector, type Connector } from './connector.ts';
import type { FakeCluster } from './fake-cluster.fixture.ts';
import { createRootDaemonClient } from './machine.ts';

const signal = AbortSignal.timeout(120_000);
/** For tests: who asks and wants to hear nothing meanwhile. */
export const quiet = { report: () => {}, signal };
/** For tests: a connector on this machine; `original` is where every connection was going to. */
export function connectorFor(
  cluster: FakeCluster,
  original?: OriginalDestination,
  socket = 'names.sock',
): Connector {
  return createConnector({
    clock: systemClock,
    random: Math.random,
    randomInt: (below) => randomInt(below),
    log: silentLogger,
    readOriginalDestination: () => original,
    openTunQueue: () => assert.fail('no device in this test'),
    canReadDevice: false,
    createRootDaemonClient,
    userAgent: 'test',
    home: cluster.directory,
    client: 'ann@laptop',
    installId: 'id',
    answerSocket: join(cluster.directory, socket),
    stateDir: cluster.directory,
    temporaryDirectory: cluster.directory,
    mounts: createFakeRemoteMounts(),
    mountMemory: { remember: async () => {}, forget: async () => {} },
    loadPerCpu: () => 1,
  });
}

/** For tests: what `telepresence connect` asks for. */
export function requestFor(cluster: FakeCluster, more: object = {}): ConnectRequest {
  return create(ConnectRequestSchema, {
    kube: { kubeconfig: cluster.kubeconfig },
    rootDaemonSocket: cluster.rootSocket,
    directory: cluster.directory,
    ...more,
  });
}

/** For tests: a server on a free port unless it is said which; echoes with `prefix` before the first bytes. */
export async function echo(
  prefix: string,
  wanted = 0,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.write(prefix);
    socket.pipe(socket);
  });
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: portOf(address),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** For tests: waits until `look` says so. */
export async function until(what: string, look: () => boolean): Promise<void> {
  const deadline = systemClock.monotonic() + 5000;
  while (!look()) {
    if (systemClock.monotonic() > deadline) assert.fail(`waited for: ${what}`);
    await systemClock.sleep(5, signal);
  }
}

/** For tests: the status of an Intercept that has what it asked for. */
export const activeStatus = {
  state: 'Active',
  workloadKind: 'Deployment',
  service: 'web',
  servicePort: { name: 'http', port: 80 },
  severalPorts: true,
  container: 'app',
  containerPort: 8080,
  protocol: 'TCP',
};
/** For tests: a cluster in which no Intercept becomes anything. */
export const idle = { interceptStatus: () => undefined };
