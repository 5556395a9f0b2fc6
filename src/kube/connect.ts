import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { withDeadline } from '#base/wait.ts';
import type { ClusterAccess, Identity } from './cluster-access.ts';
import { unreachable } from './errors.ts';
import { connectThroughProxy } from './http-proxy.ts';
import { connectTcp, hostOf, portOf, settled, type HostPort } from './tcp.ts';

export interface ConnectDeps {
  readonly access: ClusterAccess;
  readonly clock: Pick<Clock, 'after'>;
  /** Called with each new TCP socket, for options that Node does not offer (TCP_NOTSENT_LOWAT). */
  readonly tuneSocket?: (socket: net.Socket) => void;
}

interface Options {
  readonly identity: Identity;
  /** For each step: the connection, through a proxy where there is one, and TLS. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** One new connection to the API server: TCP, a proxy where there is one, TLS with our identity. */
export async function connectApiServer(deps: ConnectDeps, options: Options): Promise<net.Socket> {
  try {
    return await open(deps, options);
  } catch (error) {
    options.signal.throwIfAborted();
    throw unreachable(`API server ${deps.access.server.origin}`, error);
  }
}

/**
 * Does `work` on a connection of its own, within `deadlineMs`. The identity comes before that: a
 * plugin that signs in may take its time.
 */
export async function onOwnConnection<T>(
  deps: ConnectDeps,
  options: {
    /** What is tried, for the error. */
    readonly what: string;
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
  },
  work: (socket: net.Socket, identity: Identity, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { what, deadlineMs } = options;
  const identity = await deps.access.identify(options.signal);
  try {
    const deadline = { ms: deadlineMs, what, signal: options.signal };
    return await withDeadline(deps, deadline, async (signal) => {
      const socket = await connectApiServer(deps, { identity, deadlineMs, signal });
      return await work(socket, identity, signal);
    });
  } catch (error) {
    options.signal.throwIfAborted();
    const known = unreachable(what, error);
    if (known.code === 'Unauthorized') deps.access.forgetIdentity();
    throw known;
  }
}

async function open(deps: ConnectDeps, options: Options): Promise<net.Socket> {
  const { server, proxy, trust } = deps.access;
  const { identity } = options;
  const target = targetOf(server);
  const { host } = target;
  const place = `${server.hostname}:${String(target.port)}`;
  const connected = {
    what: proxy === undefined ? `TCP connection to ${place}` : `proxy ${proxy.host} to ${place}`,
    ...options,
  };
  const plain = await step(deps, connected, async (signal) => {
    return await (deps.access.dial?.(signal) ?? connectPlain(deps, { target, identity, signal }));
  });
  plain.setNoDelay(true);
  plain.setKeepAlive(true, 15_000);
  deps.tuneSocket?.(plain);
  if (server.protocol !== 'https:') return plain;
  const serverName = trust.serverName ?? (net.isIP(host) === 0 ? host : undefined);
  const secure = tls.connect({
    socket: plain,
    host,
    ...(serverName === undefined ? {} : { servername: serverName }),
    // Some load balancers would speak HTTP/2 when nothing is said.
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: !trust.skipVerify,
    secureContext: identity.secureContext,
  });
  return await step(deps, { what: `TLS with ${place}`, ...options }, async (signal) => {
    return await settled(secure, 'secureConnect', signal);
  });
}

/** For another process of the same user: TCP to the API server, through its proxy where there is one. */
export async function dialApiServer(
  deps: ConnectDeps,
  options: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<net.Socket> {
  const { access } = deps;
  const target = targetOf(access.server);
  const what = `TCP connection from the laptop to ${target.host}:${String(target.port)}`;
  const { deadlineMs: ms } = options;
  try {
    return await withDeadline(deps, { ms, what, signal: options.signal }, async (signal) => {
      // Only a proxy that is reached by TLS needs anything of it.
      const identity =
        access.proxy?.protocol === 'https:' ? await access.identify(signal) : undefined;
      return await connectPlain(deps, { target, identity, signal });
    });
  } catch (error) {
    options.signal.throwIfAborted();
    throw unreachable(what, error);
  }
}

async function connectPlain(
  { access }: Pick<ConnectDeps, 'access'>,
  options: {
    readonly target: HostPort;
    readonly identity: Pick<Identity, 'proxyContext'> | undefined;
    readonly signal: AbortSignal;
  },
): Promise<net.Socket> {
  const { target, identity, signal } = options;
  const { proxy, trust } = access;
  if (proxy === undefined) return await connectTcp(target, signal);
  return await connectThroughProxy(proxy, { target, trust, identity, signal });
}

function targetOf(server: URL): HostPort {
  return { host: hostOf(server), port: portOf(server) };
}

async function step<T>(
  deps: ConnectDeps,
  options: Options & { readonly what: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withDeadline(deps, { ...options, ms: options.deadlineMs }, work);
}
