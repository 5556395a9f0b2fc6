import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { systemCode } from '#base/errors.ts';
import { carryDatagrams, type Datagrams } from './datagrams.ts';
import type { Refusal } from './errors.ts';
import type { IncomingFlow } from './server-session.ts';

/** Takes flows of datagrams to where they want to go. */
export type DialDatagrams = (
  flow: IncomingFlow,
  target: { readonly host: string; readonly port: number },
) => void;

/** What a datagram socket here is for one flow: UDP, or echoes. */
export interface DatagramSocket {
  /** Messages, errors and its end. */
  readonly socket: Socket;
  /** Of what goes out and of what comes in; undefined where it is not worth sending. */
  readonly outgoing: (payload: Buffer) => Buffer | undefined;
  readonly incoming: (message: Buffer) => Buffer | undefined;
}

interface Deps {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** Opens a socket for one flow; throws where this machine does not permit it. */
  readonly open: (host: string) => DatagramSocket;
  /** Each flow has a socket: more at once are turned away, … */
  readonly most?: number;
  /** … by this. */
  readonly whenFull?: Refusal;
}

const usualMost = 1024;
/** The laptop ends its flows sooner; this is for one that forgot. */
const idleMs = 300_000;

/** A UDP socket of the host's family. */
export function openUdp(host: string): DatagramSocket {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  return { socket, outgoing: (payload) => payload, incoming: (message) => message };
}

/** Each flow gets a socket that is connected, so that it hears only whom it speaks to and who refuses. */
export function createDatagramDialer(deps: Deps): DialDatagrams {
  const { most = usualMost, whenFull = 'Unavailable' } = deps;
  let open = 0;
  return (flow, target) => {
    if (open >= most) {
      flow.refuse(whenFull);
      return;
    }
    let made: DatagramSocket;
    try {
      made = deps.open(target.host);
    } catch {
      flow.refuse('Unavailable');
      return;
    }
    open += 1;
    made.socket.once('close', () => {
      open -= 1;
    });
    join(deps.clock, made, flow, target);
  };
}

function join(
  clock: Deps['clock'],
  { socket, outgoing, incoming }: DatagramSocket,
  flow: IncomingFlow,
  target: { readonly host: string; readonly port: number },
): void {
  let datagrams: Datagrams | undefined;
  let lastAt = clock.monotonic();
  let timer: Disposable | undefined;
  const watchIdle = (): void => {
    const left = lastAt + idleMs - clock.monotonic();
    if (left <= 0) datagrams?.close();
    else timer = clock.after(left, watchIdle);
  };
  const onError = (error: Error): void => {
    if (systemCode(error) === 'ECONNREFUSED') datagrams?.sendUnreachable();
    if (datagrams !== undefined) return;
    flow.refuse('Unreachable');
    socket.close();
  };
  const send = (payload: Buffer, again: boolean): void => {
    socket.send(payload, (error) => {
      // The refusal of an earlier datagram, told instead of sending this one.
      if (error === null || systemCode(error) !== 'ECONNREFUSED') return;
      datagrams?.sendUnreachable();
      if (again) send(payload, false);
    });
  };
  socket.on('error', onError);
  socket.on('message', (message) => {
    lastAt = clock.monotonic();
    const payload = incoming(message);
    if (payload !== undefined) datagrams?.send(payload);
  });
  socket.once('connect', () => {
    datagrams = carryDatagrams(flow.accept().stream, {
      onDatagram(payload) {
        lastAt = clock.monotonic();
        const message = outgoing(payload);
        if (message !== undefined) send(message, true);
      },
    });
    watchIdle();
    void datagrams.closed.then(() => {
      timer?.[Symbol.dispose]();
      socket.close();
    });
  });
  socket.connect(target.port, target.host);
}
