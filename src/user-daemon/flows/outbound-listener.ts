import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, systemCode } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { ReadOriginalDestination } from '#host/original-destination.ts';
import { parseIp } from '#protocol/ip-address.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { resetEnd, splice } from '#tunnel/splice.ts';
import { formatEndpoint, type Endpoint } from '../device/endpoint.ts';
import type { SynGate } from '../device/syn-gate.ts';
import type { RoutedSubnets } from './routed-subnets.ts';

/** The session that takes the next flow, or undefined while there is none. */
export type PickSession = () => Pick<ClientSession, 'beginFlow'> | undefined;

interface Deps {
  readonly log: Logger;
  readonly readOriginalDestination: ReadOriginalDestination;
  readonly routed: Pick<RoutedSubnets, 'contains'>;
  readonly pickSession: PickSession;
  readonly gate: Pick<SynGate, 'takeDialled' | 'learn'>;
}

/** Takes the TCP connections that the kernel redirects to us. */
export interface OutboundListener extends AsyncDisposable {
  readonly port: number;
  /** It is on ::1 too, at the same port. */
  readonly ipv6: boolean;
  /**
   * Takes what comes to these addresses of bridges too, and to no others; the port of each at which it
   * is listened.
   */
  listenAt(hosts: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Connections that are open now. */
  readonly openFlows: number;
}

const backlog = 4096;

/** Listens on a free port of 127.0.0.1, and of ::1 where there is one; every redirected connection becomes a flow to its target. */
export async function listenForOutbound(deps: Deps): Promise<OutboundListener> {
  const open = new Set<Socket>();
  const ending = new AbortController();
  const makeServer = (): Server => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    server.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.on('error', () => {});
      carryOut(deps, socket, ending.signal);
    });
    return server;
  };
  const servers = await listenOnBoth(makeServer);
  const bridges = new Map<string, { readonly server: Server; readonly port: number }>();
  const listenAt = async (host: string): Promise<void> => {
    const server = makeServer();
    try {
      bridges.set(host, { server, port: (await listen(server, { host, port: 0 })).port });
    } catch (error) {
      // The bridge has gone meanwhile.
      if (systemCode(error) !== 'EADDRNOTAVAIL') throw error;
    }
  };
  const { port } = servers;
  return {
    port,
    ipv6: servers.v6 !== undefined,
    async listenAt(hosts) {
      for (const [host, { server }] of bridges) {
        if (hosts.includes(host)) continue;
        bridges.delete(host);
        // Its connections go on for as long as there is somebody at the other end.
        server.close();
      }
      for (const host of hosts) if (!bridges.has(host)) await listenAt(host);
      return new Map([...bridges].map(([host, { port }]) => [host, port]));
    },
    get openFlows() {
      return open.size;
    },
    async [Symbol.asyncDispose]() {
      const reason = new Error('the connection to the cluster ends');
      ending.abort(reason);
      const all = [servers.v4, servers.v6, ...[...bridges.values()].map(({ server }) => server)];
      const closed = Promise.all(all.map(closeServer));
      for (const socket of open) resetEnd(socket, reason);
      await closed;
    },
  };
}

function carryOut(deps: Deps, socket: Socket, signal: AbortSignal): void {
  const target = originalTarget(deps, socket);
  // Somebody dialled the listener itself: nothing may be reached that way (evidence, finding 12).
  if (target === undefined || !deps.routed.contains(target.address)) {
    deps.log.debug('flow refused: not redirected', { target: target?.address });
    socket.resetAndDestroy();
    return;
  }
  const to = endpoint(target.address, target.port);
  const from = endpoint(socket.remoteAddress, socket.remotePort);
  if (to === undefined || from === undefined) {
    socket.resetAndDestroy();
    return;
  }
  const dialled = deps.gate.takeDialled(from, to);
  if (dialled !== undefined) {
    splice(socket, dialled);
    socket.resume();
    return;
  }
  const authority = formatEndpoint(to);
  const session = deps.pickSession();
  if (session === undefined) {
    deps.log.debug('flow refused: no session', { authority });
    socket.resetAndDestroy();
    return;
  }
  try {
    // The first bytes travel with the CONNECT; a refusal destroys the stream, and so resets the socket.
    const { flow, accepted } = session.beginFlow({ authority, signal });
    accepted.then(
      () => deps.gate.learn(to, 'open'),
      (error: unknown) => {
        const refused = error instanceof TunnelError && error.code === 'Refused';
        if (refused) deps.gate.learn(to, 'refused');
        deps.log.debug('flow refused', { authority, reason: describe(error) });
      },
    );
    splice(socket, flow.stream);
    socket.resume();
  } catch (error) {
    deps.log.debug('flow failed', { authority, reason: describe(error) });
    socket.resetAndDestroy();
  }
}

function endpoint(text: string | undefined, port: number | undefined): Endpoint | undefined {
  const address = parseIp(text ?? '');
  return address === undefined || port === undefined ? undefined : { address, port };
}

function originalTarget(
  deps: Pick<Deps, 'readOriginalDestination' | 'log'>,
  socket: Socket,
): { readonly address: string; readonly port: number } | undefined {
  try {
    return deps.readOriginalDestination(socket);
  } catch (error) {
    deps.log.warning('original destination unknown', { reason: describe(error) });
    return undefined;
  }
}

interface BothServers {
  readonly port: number;
  readonly v4: Server;
  readonly v6: Server | undefined;
}

/** The rules redirect both families to one port; nobody else has it in either. */
async function listenOnBoth(makeServer: () => Server): Promise<BothServers> {
  for (;;) {
    const v4 = makeServer();
    const { port } = await listen(v4, { host: '127.0.0.1', port: 0 });
    const v6 = makeServer();
    try {
      await listen(v6, { host: '::1', port });
      return { port, v4, v6 };
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE') return { port, v4, v6: undefined };
      await closeServer(v4);
    }
  }
}

async function listen(
  server: Server,
  place: { readonly host: string; readonly port: number },
): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
  server.once('error', reject);
  server.listen({ ...place, backlog }, () => {
    const address = server.address();
    if (address === null || typeof address === 'string') {
      reject(new Error('a TCP listener has no port'));
    } else resolve(address);
  });
  return await promise;
}

async function closeServer(server: Server | undefined): Promise<void> {
  if (server === undefined) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.close(() => resolve(undefined));
  await promise;
}
