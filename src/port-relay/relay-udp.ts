import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock } from '#base/clock.ts';

interface Options {
  readonly listen: { readonly host: string; readonly port: number };
  readonly target: { readonly host: string; readonly port: number };
  /** How long a sender may be silent before its answers come no more. */
  readonly idleMs: number;
}

/** Hands datagrams to the target, each sender's by a socket of its own, and answers back to it. */
export async function relayUdp(
  { clock }: { readonly clock: Pick<Clock, 'after'> },
  { listen, target, idleMs }: Options,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createSocket('udp4');
  const senders = new Map<string, { readonly far: Socket; idle: Disposable }>();
  const forget = (key: string): void => {
    senders.get(key)?.far.close();
    senders.delete(key);
  };
  const senderOf = (key: string, from: RemoteInfo): Socket => {
    const known = senders.get(key);
    const idle = clock.after(idleMs, () => forget(key));
    if (known !== undefined) {
      known.idle[Symbol.dispose]();
      known.idle = idle;
      return known.far;
    }
    const far = createSocket('udp4');
    // Nobody there, or nobody any more: a datagram is lost.
    far.on('error', () => {});
    far.on('message', (answer) => {
      server.send(answer, from.port, from.address, () => {});
    });
    senders.set(key, { far, idle });
    return far;
  };
  server.on('message', (message, from) => {
    const key = `${from.address} ${String(from.port)}`;
    senderOf(key, from).send(message, target.port, target.host, () => {});
  });
  server.bind(listen.port, listen.host);
  await once(server, 'listening');
  server.on('error', () => {});
  return {
    port: server.address().port,
    async [Symbol.asyncDispose]() {
      for (const [key, { idle }] of senders) {
        idle[Symbol.dispose]();
        forget(key);
      }
      server.close();
      await once(server, 'close');
    },
  };
}
