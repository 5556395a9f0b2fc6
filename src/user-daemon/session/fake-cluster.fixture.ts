import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type RequestListener,
} from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import {
  Agent,
  Cluster,
  ClusterUpdateSchema,
  RootDaemon,
  type ClusterUpdate,
  type Desired,
} from '#protocol/gen/telepresence_pb.ts';
import { apiLevels } from '#protocol/api-levels.ts';
import { acceptOf } from '#kube/websocket-accept.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { nonceHeader, parseLaptopRole, parseNonce } from '#tunnel/handshake-proof.ts';
import { createSigner } from '#tunnel/keys.ts';
import { admitLaptop } from '#tunnel/laptop-handshake.ts';
import { serveSession, type RpcHandler, type ServerSession } from '#tunnel/server-session.ts';
import { splice } from '#tunnel/splice.ts';
import { createLatestQueue, type LatestQueue } from './latest-queue.ts';
import {
  startFakeApiServer,
  type FakeApiServer,
  type FakeObject,
} from './fake-api-server.fixture.ts';

/** For tests: an API server, a relay with a controller, and a root daemon, all on this machine. */
export interface FakeCluster extends AsyncDisposable {
  readonly api: FakeApiServer;
  readonly directory: string;
  readonly kubeconfig: string;
  readonly rootSocket: string;
  /** What the root daemon was last asked for; undefined while nobody holds it. */
  readonly desired: Desired | undefined;
  /** Sessions at the relay's end. */
  readonly sessions: ReadonlySet<ServerSession | ClientSession>;
  readonly reverse: ReadonlySet<ClientSession>;
  update(message: MessageInitShape<typeof ClusterUpdateSchema>): void;
}

interface Options {
  /** The status that an Intercept gets when it is made; undefined leaves it without. */
  readonly interceptStatus: (name: string) => object | undefined;
  /** Where CONNECT 10.96.0.10:80 leads. */
  readonly servicePort?: number;
  readonly managerIsThere?: boolean;
  /** What the manager says of itself in a Connection's status. */
  readonly managerStatus?: object;
  readonly lookup?: (query: Uint8Array) => Uint8Array;
}

/** Starts all of it. */
export async function startFakeCluster(options: Options): Promise<FakeCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'tp-'));
  const rootSocket = join(directory, 'root.sock');
  const signer = createSigner();
  const sessions = new Set<ServerSession | ClientSession>();
  const reverse = new Set<ClientSession>();
  const feeds = new Set<LatestQueue<ClusterUpdate>>();
  let desired: Desired | undefined;

  const controlRpc: RpcHandler = connectNodeAdapter({
    routes(router) {
      router.service(Cluster, {
        async *watchCluster() {
          const feed = createLatestQueue<ClusterUpdate>();
          feeds.add(feed);
          yield snapshot();
          yield* feed;
        },
        lookup: ({ query }) => ({ answer: options.lookup?.(query) ?? query }),
        listWorkloads: ({ namespace }) => ({
          workloads: [
            { namespace, name: 'web', kind: 'Deployment' },
            { namespace, name: 'api', kind: 'Deployment', agentInstalled: true },
          ],
        }),
      });
    },
  });
  const agentRpc: RpcHandler = connectNodeAdapter({
    routes(router) {
      router.service(Agent, {
        getEnvironment: ({ container }, { requestHeader }) => ({
          container: container === '' ? 'app' : container,
          environment: { GREETING: 'hello', ID: requestHeader.get('telepresence-intercept') ?? '' },
          mounts: ['/etc/config'],
        }),
      });
    },
  });

  const enter = async (
    path: string,
    socket: Duplex,
    headers: IncomingHttpHeaders,
  ): Promise<void> => {
    const [, namespace = '', name = '', role = ''] = /\/tunnel\/(.+)\/(.+)\/(.+)$/.exec(path) ?? [];
    const connection = api.objects.get(`connections/${namespace}/${name}`);
    const known = parseLaptopRole(role);
    if (connection === undefined || known === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
        `sec-websocket-accept: ${acceptOf(headers['sec-websocket-key'] ?? '')}\r\n\r\n`,
    );
    const { signal } = new AbortController();
    await admitLaptop({ clock: systemClock, signer }, socket, {
      connectionUid: connection.metadata.uid,
      role: known,
      laptopNonce: parseNonce(headers[nonceHeader]),
      laptopKey: publicKeyOf(connection),
      signal,
    });
    const deps = { log: silentLogger, clock: systemClock };
    const session =
      known === 'reverse'
        ? openClientSession(socket, deps)
        : serveSession(socket, {
            ...deps,
            rpc: known === 'control' ? controlRpc : agentRpc,
            onFlow(flow) {
              if (flow.authority !== '10.96.0.10:80' || options.servicePort === undefined) {
                flow.refuse('Refused');
                return;
              }
              const dialled = connect({ port: options.servicePort, allowHalfOpen: true });
              dialled.once('connect', () => splice(flow.accept().stream, dialled));
              dialled.once('error', () => flow.refuse('Refused'));
            },
          });
    sessions.add(session);
    if ('beginFlow' in session) reverse.add(session);
    void session.closed.then(() => {
      sessions.delete(session);
      if ('beginFlow' in session) reverse.delete(session);
    });
  };

  const api = await startFakeApiServer({
    onCreate(key, object) {
      if (object.kind === 'Connection') {
        api.setStatus(key, {
          state: 'Connected',
          managerKey: signer.publicKey,
          managerCa: 'not used by the service proxy',
          apiLevels: { ...apiLevels },
          ...options.managerStatus,
        });
        return;
      }
      const status = options.interceptStatus(object.metadata.name);
      if (status !== undefined) api.setStatus(key, status);
    },
    onUpgrade: (path, request, socket) => {
      enter(path, socket, request.headers).catch(() => socket.destroy());
    },
  });
  if (options.managerIsThere !== false) {
    const base = '/api/v1/namespaces/ambassador';
    api.lay(`${base}/services/traffic-manager`, { metadata: { name: 'traffic-manager' } });
    const conditions = [{ type: 'Ready', status: 'True' }];
    const pod = { metadata: { name: 'traffic-manager-x' }, status: { conditions } };
    api.lay(`${base}/pods`, { metadata: {}, items: [pod] });
  }

  const rootSockets = new Set<Socket>();
  const rootServer = speakBoth(
    connectNodeAdapter({
      routes(router) {
        router.service(RootDaemon, {
          async *hold(requests) {
            try {
              for await (const request of requests) {
                desired = request;
                yield { epoch: request.epoch };
              }
            } finally {
              desired = undefined;
            }
          },
          status: () => ({ running: true, version: 'v0' }),
          version: () => ({ version: 'v0' }),
          quit: () => ({}),
        });
      },
    }),
    rootSockets,
  );
  rootServer.listen(rootSocket);
  await once(rootServer, 'listening');

  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'c', user: 'u', namespace: 'default' } }],
      clusters: [{ name: 'c', cluster: { server: api.url } }],
      users: [{ name: 'u', user: { token: 't' } }],
    }),
  );

  return {
    api,
    directory,
    kubeconfig,
    rootSocket,
    get desired() {
      return desired;
    },
    sessions,
    reverse,
    update(message) {
      for (const feed of feeds) feed.put(create(ClusterUpdateSchema, message));
    },
    async [Symbol.asyncDispose]() {
      for (const feed of feeds) feed[Symbol.dispose]();
      for (const session of sessions) session.destroy(new Error('the test is over'));
      await api[Symbol.asyncDispose]();
      rootServer.close();
      for (const socket of rootSockets) socket.destroy();
      await rm(directory, { recursive: true });
    },
  };
}

/** HTTP/1.1 and HTTP/2 on one socket, as the root daemon speaks. */
function speakBoth(handler: RpcHandler & RequestListener, sockets: Set<Socket>): Server {
  const one = createHttpServer(handler);
  const two = createHttp2Server(handler);
  return createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('readable', () => {
      const head: unknown = socket.read();
      if (!Buffer.isBuffer(head)) return;
      socket.unshift(head);
      (head.subarray(0, 3).toString() === 'PRI' ? two : one).emit('connection', socket);
    });
  });
}

function snapshot(): ClusterUpdate {
  return create(ClusterUpdateSchema, {
    info: {
      managerVersion: 'v9',
      agentImage: 'tel2:9',
      clusterDomain: 'cluster.local',
      dnsAddress: '10.96.0.2',
      serviceSubnets: ['10.96.0.0/16'],
      podSubnets: ['10.244.0.0/24'],
    },
    namespaces: ['default', 'other'],
    namespacesChanged: true,
    services: [
      {
        namespace: 'default',
        name: 'web',
        addresses: ['10.96.0.10'],
        ports: [
          { name: 'http', port: 80, protocol: 'TCP', ready: true },
          { name: 'idle', port: 81, protocol: 'TCP', ready: false },
        ],
      },
    ],
    synced: true,
  });
}

function publicKeyOf(connection: FakeObject): string {
  const spec = connection['spec'];
  if (typeof spec !== 'object' || spec === null || !('publicKey' in spec)) return '';
  return String(spec.publicKey);
}
