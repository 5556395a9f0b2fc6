import type { Http2Stream } from 'node:http2';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Unreachable } from '#protocol/packets/icmp-message.ts';
import type { IpPacket } from '#protocol/packets/ip-packet.ts';
import { decodeTcpSegment, tcpFlags } from '#protocol/packets/tcp-segment.ts';
import { TunnelError } from '#tunnel/errors.ts';
import type { PickSession } from '../flows/outbound-listener.ts';
import { formatEndpoint, type Endpoint } from './endpoint.ts';
import { askAgain, knock, noWay, refusal, type Syn } from './gate-packets.ts';
import { createOpenPlaces } from './open-places.ts';

/**
 * Where the first SYN of a connection comes to, that goes to what is no Service. We dial before the
 * connection is accepted: refused is refused, unreachable is unreachable, and silence is silence. What
 * is open gets through the kernel's gate, and there finds the stream that is dialled already.
 */
export interface SynGate extends Disposable {
  /** Takes a TCP packet that goes out by the device; `bytes` are the whole of it. */
  take(packet: IpPacket, bytes: Buffer): void;
  /** The stream dialled for a connection that came through, or for another one to the same place. */
  takeDialled(source: Endpoint, target: Endpoint): Http2Stream | undefined;
  /** A later connection went through at once, and this is what its dial said. */
  learn(target: Endpoint, outcome: 'open' | 'refused'): void;
  /** SYNs that wait for a dial, and streams that wait for their connection. */
  readonly waiting: number;
}

interface Deps {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly log: Logger;
  readonly pickSession: PickSession;
  /** Gives a packet to the kernel. */
  readonly write: (packet: Buffer) => void;
}

interface Gated extends Syn {
  readonly key: string;
  readonly authority: string;
  readonly ending: AbortController;
  /** Of the newest SYN: a program may have tried again from the same port. */
  sequence: number;
  /** Once it is dialled. */
  dialled: { readonly stream: Http2Stream; readonly timer: Disposable } | undefined;
}

/** More at once are not dialled: the kernel sends the SYN again in a second. */
const mostWaiting = 2048;
/** A program that gave up meanwhile never comes for its stream; a kernel's second SYN takes a second. */
const takeMs = 5000;

const notFirst = tcpFlags.ack | tcpFlags.rst | tcpFlags.fin;

const unreachable: ReadonlyMap<string | undefined, Unreachable> = new Map([
  ['Unreachable', 'host'],
  ['Forbidden', 'prohibited'],
]);

/** A gate that nothing has come to yet. */
export function createSynGate(deps: Deps): SynGate {
  const { clock, log, write } = deps;
  const gated = new Map<string, Gated>();
  const places = createOpenPlaces(clock);

  const forget = (one: Gated): void => {
    one.dialled?.timer[Symbol.dispose]();
    if (gated.get(one.key) === one) gated.delete(one.key);
  };
  const letThrough = (one: Gated): void => {
    write(knock(one.target, 'open'));
    places.note(one.authority);
    write(askAgain(one));
  };
  const hold = (one: Gated, stream: Http2Stream): void => {
    const timer = clock.after(takeMs, () => {
      forget(one);
      stream.destroy(new TunnelError('Reset', 'nobody came for the connection'));
    });
    one.dialled = { stream, timer };
    stream.once('close', () => forget(one));
    letThrough(one);
  };
  const refuse = (one: Gated, syn: Buffer, error: unknown): void => {
    const code = error instanceof TunnelError ? error.code : undefined;
    const why = unreachable.get(code);
    if (code === 'Refused') write(refusal(one));
    // Otherwise no answer is the answer: the kernel asks again for as long as its user wants.
    else if (why !== undefined) write(noWay(one, why, syn));
  };
  const dial = async (one: Gated, syn: Buffer): Promise<void> => {
    const { authority, ending } = one;
    try {
      const session = deps.pickSession();
      if (session === undefined) throw new TunnelError('Unavailable', 'no session');
      const { accepted } = session.beginFlow({ authority, signal: ending.signal });
      hold(one, (await accepted).stream);
    } catch (error) {
      forget(one);
      if (ending.signal.aborted) return;
      log.debug('connection not opened', { authority, reason: describe(error) });
      refuse(one, syn, error);
    }
  };
  const takeOut = (one: Gated | undefined): Http2Stream | undefined => {
    const stream = one?.dialled?.stream;
    if (one === undefined || stream === undefined) return undefined;
    forget(one);
    return stream.destroyed ? undefined : stream;
  };

  return {
    get waiting() {
      return gated.size;
    },
    take(packet, bytes) {
      const syn = firstSyn(packet);
      if (syn === undefined) return;
      const authority = formatEndpoint(syn.target);
      const key = `${formatEndpoint(syn.source)} ${authority}`;
      const known = gated.get(key);
      if (known !== undefined) {
        known.sequence = syn.sequence;
        if (known.dialled !== undefined) letThrough(known);
        return;
      }
      if (gated.size >= mostWaiting) {
        log.debug('connection not tried: too many at once', { authority });
        return;
      }
      const ending = new AbortController();
      const one: Gated = { ...syn, key, authority, ending, dialled: undefined };
      gated.set(key, one);
      void dial(one, Buffer.from(bytes));
    },
    takeDialled(source, target) {
      const authority = formatEndpoint(target);
      const exact = takeOut(gated.get(`${formatEndpoint(source)} ${authority}`));
      if (exact !== undefined) return exact;
      // The kernel may have had to give the connection another source port.
      for (const one of gated.values()) {
        const other = one.authority === authority ? takeOut(one) : undefined;
        if (other !== undefined) return other;
      }
      return undefined;
    },
    learn(target, outcome) {
      const authority = formatEndpoint(target);
      if (outcome === 'refused' && places.forget(authority)) write(knock(target, 'shut'));
      if (outcome === 'open' && places.isDue(authority)) {
        places.note(authority);
        write(knock(target, 'open'));
      }
    },
    [Symbol.dispose]() {
      const reason = new TunnelError('Reset', 'the connection to the cluster ends');
      for (const one of gated.values()) {
        forget(one);
        one.ending.abort(reason);
        one.dialled?.stream.destroy(reason);
      }
    },
  };
}

function firstSyn({ source, destination, payload }: IpPacket): Syn | undefined {
  const segment = decodeTcpSegment(payload);
  if (segment === undefined || (segment.flags & notFirst) !== 0) return undefined;
  if ((segment.flags & tcpFlags.syn) === 0 || segment.destinationPort === 0) return undefined;
  return {
    source: { address: source, port: segment.sourcePort },
    target: { address: destination, port: segment.destinationPort },
    sequence: segment.sequence,
  };
}
