import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import type { Identity, ServerTrust } from './cluster-access.ts';
import { KubeError } from './errors.ts';
import { proxyCredentials } from './proxy-credentials.ts';
import { askSocks } from './socks-proxy.ts';
import { connectTcp, hostOf, portOf, settled, type HostPort } from './tcp.ts';

/** A connection to `target` through a proxy: CONNECT of HTTP, by TLS where it asks for it, or SOCKS5. */
export async function connectThroughProxy(
  proxy: URL,
  options: {
    readonly target: HostPort;
    readonly trust: ServerTrust;
    readonly identity: Pick<Identity, 'proxyContext'> | undefined;
    readonly signal: AbortSignal;
  },
): Promise<net.Socket> {
  const { target, signal } = options;
  switch (proxy.protocol) {
    case 'http:':
    case 'https:':
    case 'socks5:':
    case 'socks5h:':
      break;
    default:
      throw new KubeError(
        'BadConfig',
        `proxy ${proxy.protocol}//${proxy.host}: only http, https and socks5 proxies are known`,
      );
  }
  const plain = await connectTcp({ host: hostOf(proxy), port: portOf(proxy) }, signal);
  if (proxy.protocol === 'http:') return await askConnect(plain, proxy, target, signal);
  if (proxy.protocol !== 'https:') return await askSocks(plain, proxy, target, signal);
  const host = hostOf(proxy);
  const secure = tls.connect({
    socket: plain,
    host,
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: !options.trust.skipVerify,
    ...(options.identity === undefined ? {} : { secureContext: options.identity.proxyContext() }),
  });
  return await askConnect(await settled(secure, 'secureConnect', signal), proxy, target, signal);
}

async function askConnect(
  socket: net.Socket,
  proxy: URL,
  target: HostPort,
  signal: AbortSignal,
): Promise<net.Socket> {
  const authority = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${String(target.port)}`;
  const request = http.request({
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    createConnection: () => socket,
  });
  const done = Promise.withResolvers<http.IncomingMessage>();
  const onAbort = (): void => done.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  request.on('connect', done.resolve);
  request.on('error', done.reject);
  request.end();
  try {
    const { statusCode: status = 0 } = await done.promise;
    if (status === 200) return socket;
    throw new KubeError(
      'Unreachable',
      `proxy ${proxy.host} refused a connection to ${authority}: HTTP ${String(status)}`,
      status === 407
        ? {
            status,
            hint: 'it wants a user and a password: http://USER:PASSWORD@HOST:PORT as proxy-url in the kubeconfig, or in HTTPS_PROXY',
          }
        : { status },
    );
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function authorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const { user, password } = proxyCredentials(proxy);
  const pair = Buffer.concat([user, Buffer.from(':'), password]);
  return { 'proxy-authorization': `Basic ${pair.toString('base64')}` };
}
