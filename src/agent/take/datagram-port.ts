import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

import { AgentError } from '../error.ts';

/** Who sent a datagram, and the way back to it: from the address that it asked. */
export interface DatagramClient {
  readonly address: string;
  readonly port: number;
  answer(payload: Buffer): void;
}

/** Takes a datagram that came. */
export type OnDatagram = (payload: Buffer, client: DatagramClient) => void;

/** A port at each of the pod's addresses. Once disposed of nothing comes or goes by it. */
export interface DatagramPort extends AsyncDisposable {
  readonly port: number;
}

/** As much may wait to be read, where the kernel grants it; what comes beyond that is lost, as anywhere. */
const unreadBytes = 1024 * 1024;

/** Listens for datagrams; port 0 is any that is free at the first address. */
export async function openDatagramPort(
  options: { readonly hosts: readonly string[]; readonly port: number },
  onDatagram: OnDatagram,
): Promise<DatagramPort> {
  await using opening = new AsyncDisposableStack();
  let { port } = options;
  for (const host of options.hosts) {
    const socket = await bind(host, port);
    let isClosed = false;
    opening.defer(async () => {
      isClosed = true;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    });
    port = socket.address().port;
    // What cannot be sent is lost; who has gone is told so by nobody.
    socket.on('error', () => {});
    socket.on('message', (payload, from) => {
      onDatagram(payload, {
        address: from.address,
        port: from.port,
        answer(answer) {
          if (!isClosed) socket.send(answer, from.port, from.address, () => {});
        },
      });
    });
  }
  const open = opening.move();
  return { port, [Symbol.asyncDispose]: async () => await open.disposeAsync() };
}

async function bind(host: string, port: number): Promise<Socket> {
  const type = isIPv6(host) ? 'udp6' : 'udp4';
  const socket = createSocket({ type, ipv6Only: isIPv6(host), recvBufferSize: unreadBytes });
  try {
    socket.bind({ address: host, port, exclusive: true });
    await once(socket, 'listening');
    return socket;
  } catch (cause) {
    socket.close();
    throw new AgentError('ListenFailed', `take datagrams on ${host}:${port}`, { cause });
  }
}
