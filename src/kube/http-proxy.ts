import http from 'node:http';
import type net from 'node:net';
import tls from 'node:tls';
import { KubeError } from './errors.ts';
import { connectTcp, hostOf, portOf, settled, type HostPort } from './tcp.ts';

/** A connection to `target` through an HTTP proxy's CONNECT. */
export async function connectThroughProxy(
  proxy: URL,
  target: HostPort,
  signal: AbortSignal,
): Promise<net.Socket> {
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
    throw new KubeError(
      'BadConfig',
      `proxy ${proxy.origin}: only http and https proxies are known`,
    );
  }
  const plain = await connectTcp({ host: hostOf(proxy), port: portOf(proxy) }, signal);
  const socket =
    proxy.protocol === 'http:'
      ? plain
      : await settled(
          tls.connect({ socket: plain, host: hostOf(proxy), servername: proxy.hostname }),
          'secureConnect',
          signal,
        );
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
      { status },
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
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
