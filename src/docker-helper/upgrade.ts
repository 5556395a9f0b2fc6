import http from 'node:http';
import { Socket } from 'node:net';
import {
  errandPath,
  helperUpgrade,
  tokenHeader,
  type HelperErrand,
} from '#protocol/helper-port.ts';
import { HelperError } from './errors.ts';

/** Where the daemon in the container is reached. */
export interface DaemonPort {
  readonly port: number;
  readonly token: string;
}

/** One connection to the daemon's published port, for one errand; from here on it is raw bytes. */
export async function openErrand(
  { port, token }: DaemonPort,
  errand: HelperErrand,
  signal: AbortSignal,
): Promise<Socket> {
  const upgraded = Promise.withResolvers<Socket>();
  const request = http.request({
    host: '127.0.0.1',
    port,
    path: errandPath(errand),
    headers: { ...tokenHeader(token), connection: 'Upgrade', upgrade: helperUpgrade },
    agent: false,
    signal,
  });
  request.on('error', (cause) => {
    upgraded.reject(new HelperError('Lost', `daemon at port ${String(port)}`, { cause }));
  });
  request.on('response', (response) => {
    response.destroy();
    const status = String(response.statusCode);
    upgraded.reject(new HelperError('Refused', `daemon at port ${String(port)}: HTTP ${status}`));
  });
  request.on('upgrade', (_response, socket, head) => {
    if (!(socket instanceof Socket)) {
      upgraded.reject(new HelperError('Refused', 'an upgraded connection that is none of TCP'));
      return;
    }
    socket.setNoDelay(true);
    // The request's end, and its signal, are nothing to this connection any more.
    socket.on('error', () => {});
    if (head.length > 0) socket.unshift(head);
    upgraded.resolve(socket);
  });
  request.end();
  return await upgraded.promise;
}
