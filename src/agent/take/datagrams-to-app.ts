import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

import { systemCode } from '#base/errors.ts';

import type { DatagramLeg } from './datagram-leg.ts';

/** Datagrams that come before the socket is there. */
const mostWaiting = 32;

/**
 * Passes a client's datagrams on to the app: at the pod's own address, or on loopback where it listens only
 * there. What is refused is lost.
 */
export function datagramsToApp(options: {
  readonly podIp: string;
  readonly port: number;
  readonly onAnswer: (payload: Buffer) => void;
}): DatagramLeg {
  const { podIp, port } = options;
  let socket: Socket | undefined;
  let isConnected = false;
  let isClosed = false;
  let waiting: Buffer[] = [];
  let last: Buffer | undefined;
  let pass = (_payload: Buffer): void => {};

  const open = (host: string, next?: string): void => {
    isConnected = false;
    const one = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    socket = one;
    const onError = (error: Error | null): void => {
      if (systemCode(error) !== 'ECONNREFUSED' || socket !== one || next === undefined) return;
      one.close();
      // It was refused, so nobody has had it.
      if (last !== undefined) waiting.push(last);
      open(next);
    };
    one.on('error', onError);
    one.on('message', (message) => options.onAnswer(message));
    one.once('connect', () => {
      if (socket !== one) return;
      isConnected = true;
      const all = waiting;
      waiting = [];
      for (const payload of all) one.send(payload, onError);
    });
    one.connect(port, host);
    pass = (payload) => one.send(payload, onError);
  };
  open(podIp, isIPv6(podIp) ? '::1' : '127.0.0.1');

  return {
    send(payload) {
      if (isClosed) return;
      last = payload;
      if (isConnected) pass(payload);
      else if (waiting.length < mostWaiting) waiting.push(payload);
    },
    close() {
      isClosed = true;
      socket?.close();
      socket = undefined;
    },
  };
}
