import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { IpAddress } from '#protocol/ip-address.ts';
import { encodeUnreachablePacket, type Unreachable } from '#protocol/packets/icmp-message.ts';
import { carryDatagrams, type Datagrams } from '#tunnel/datagrams.ts';
import type { BegunFlow, ClientSession } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import type { FlowKind } from '#tunnel/flow-kind.ts';
import type { PickSession } from '../flows/outbound-listener.ts';

/** A packet that belongs to a flow of datagrams. */
export interface Outgoing {
  readonly kind: Exclude<FlowKind, 'tcp'>;
  /** The same for all packets of a flow. */
  readonly key: string;
  readonly authority: string;
  readonly payload: Buffer;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** The packet for what comes back; undefined where there is none that could hold it. */
  readonly answer: (payload: Buffer) => Buffer | undefined;
}

/** The flows of datagrams that the laptop's programs have open. */
export interface DatagramFlows extends Disposable {
  /** Sends what a packet carries; `bytes` are the whole packet. */
  take(outgoing: Outgoing, bytes: Buffer): void;
  readonly open: number;
}

interface Deps {
  readonly clock: Pick<Clock, 'every' | 'monotonic'>;
  readonly log: Logger;
  readonly pickSession: PickSession;
  readonly write: (packet: Buffer) => void;
}

interface DatagramFlow {
  readonly datagrams: Datagrams;
  /** The last packet: an error has to quote one. */
  last: Buffer;
  usedAt: number;
  answered: boolean;
  /** The far side would not take the flow; undefined is silence. */
  refused: { readonly why: Unreachable | undefined } | undefined;
}

/** More at once end the one that has been idle for the longest. */
const mostFlows = 1024;
/** As the kernel's own connection tracking forgets UDP. */
const unansweredMs = 30_000;
const answeredMs = 120_000;
/** So long a refusal stands for the packets after it. */
const refusedMs = 1000;
const sweepMs = 5000;
/** Of the last packet. */
const quotedLength = 128;

/** No flows yet. */
export function createDatagramFlows(deps: Deps): DatagramFlows {
  const { clock, log, write } = deps;
  const flows = new Map<string, DatagramFlow>();
  const ending = new AbortController();
  let sweep: Disposable | undefined;

  const tell = ({ source, destination }: Outgoing, why: Unreachable, lost: Buffer): void => {
    write(encodeUnreachablePacket({ source: destination, destination: source }, { why, lost }));
  };
  const end = (key: string, flow: DatagramFlow): void => {
    if (flows.get(key) !== flow) return;
    flows.delete(key);
    flow.datagrams.close();
    if (flows.size > 0) return;
    sweep?.[Symbol.dispose]();
    sweep = undefined;
  };
  const endIdle = (): void => {
    const now = clock.monotonic();
    for (const [key, flow] of flows) {
      const { answered, refused } = flow;
      const idleMs = refused === undefined ? (answered ? answeredMs : unansweredMs) : refusedMs;
      if (now - flow.usedAt >= idleMs) end(key, flow);
    }
  };
  /** What goes nowhere is not a flow: the next packet is told so again. */
  const beginOrTell = (
    outgoing: Outgoing,
    last: Buffer,
    session: Pick<ClientSession, 'beginFlow'>,
  ): BegunFlow | undefined => {
    const { kind, authority } = outgoing;
    try {
      return session.beginFlow({ kind, authority, signal: ending.signal });
    } catch (error) {
      log.debug('datagrams not carried', { kind, authority, reason: describe(error) });
      const why = whyNot(kind, error);
      if (why !== undefined) tell(outgoing, why, last);
      return undefined;
    }
  };
  const begin = (outgoing: Outgoing, last: Buffer): DatagramFlow | undefined => {
    const { kind, key, authority, answer } = outgoing;
    const session = deps.pickSession();
    if (session === undefined) return undefined;
    const begun = beginOrTell(outgoing, last, session);
    if (begun === undefined) return undefined;
    const datagrams = carryDatagrams(begun.flow.stream, {
      onDatagram(payload) {
        flow.answered = true;
        flow.usedAt = clock.monotonic();
        const packet = answer(payload);
        if (packet !== undefined) write(packet);
      },
      onUnreachable: () => tell(outgoing, 'port', flow.last),
    });
    const usedAt = clock.monotonic();
    const flow: DatagramFlow = { datagrams, last, usedAt, answered: false, refused: undefined };
    begun.accepted.catch((error: unknown) => {
      if (ending.signal.aborted) return;
      log.debug('datagrams not carried', { kind, authority, reason: describe(error) });
      const why = whyNot(kind, error);
      flow.refused = { why };
      if (why !== undefined) tell(outgoing, why, flow.last);
    });
    void datagrams.closed.then(() => {
      // What was refused stays refused for a moment.
      if (flow.refused === undefined) end(key, flow);
    });
    flows.set(key, flow);
    if (flows.size > mostFlows) {
      const [oldest] = flows;
      if (oldest !== undefined) end(...oldest);
    }
    sweep ??= clock.every(sweepMs, endIdle);
    return flow;
  };

  return {
    get open() {
      return flows.size;
    },
    take(outgoing, bytes) {
      const { key, payload } = outgoing;
      const last = Buffer.from(bytes.subarray(0, quotedLength));
      const known = flows.get(key);
      if (known?.refused !== undefined) {
        if (clock.monotonic() - known.usedAt < refusedMs) {
          if (known.refused.why !== undefined) tell(outgoing, known.refused.why, last);
          return;
        }
        end(key, known);
      }
      const flow = flows.get(key) ?? begin(outgoing, last);
      if (flow === undefined) return;
      flow.last = last;
      flow.usedAt = clock.monotonic();
      // The one that has been idle for the longest is the first.
      flows.delete(key);
      flows.set(key, flow);
      flow.datagrams.send(payload);
    },
    [Symbol.dispose]() {
      ending.abort(new TunnelError('Reset', 'the connection to the cluster ends'));
      for (const [key, flow] of flows) end(key, flow);
    },
  };
}

function whyNot(kind: Outgoing['kind'], error: unknown): Unreachable | undefined {
  const code = error instanceof TunnelError ? error.code : undefined;
  if (code === 'Forbidden') return 'prohibited';
  if (code === 'Unreachable') return 'host';
  // Nobody there may send echoes: silence would say that the other end is dead.
  return kind === 'echo' && code === 'Unavailable' ? 'prohibited' : undefined;
}
