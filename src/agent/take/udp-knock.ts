import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import type { Clock } from '#base/clock.ts';
import { describe, systemCode } from '#base/errors.ts';
import { agentInitContainer } from '#protocol/resources.ts';

import {
  answerMs,
  knockUdpOffAddress,
  knockUdpOnAddress,
  knockUdpRenewAddress,
} from '../init/udp-rules.ts';
import { openDatagramPort, type OnDatagram } from './datagram-port.ts';
import { knockEveryMs } from './knock.ts';
import type { PortSwitch } from './takes.ts';

/** The sockets by which the datagrams of one of the app's ports come to the agent. */
export interface UdpTap extends AsyncDisposable {
  /** Knocks for the app's port from the tap's own; true when the rules took it. */
  knock(address: string, port: number): Promise<boolean>;
}

interface Deps {
  readonly clock: Pick<Clock, 'every' | 'after'>;
  readonly openTap: (onDatagram: OnDatagram) => Promise<UdpTap>;
}

/** A port that is switched on, or was a moment ago. */
interface Switched {
  readonly tap: Promise<UdpTap>;
  renewing: Disposable | undefined;
  closing: Disposable | undefined;
}

/**
 * Switches UDP ports between the app and the agent by the init container's rules. What comes meanwhile
 * is for `onDatagram`; after it was given back a port's clients can be answered for a moment more.
 */
export function createUdpSwitch(
  deps: Deps,
  onDatagram: (port: number) => OnDatagram,
): PortSwitch & AsyncDisposable {
  const ports = new Map<number, Switched>();
  const trouble = new Map<number, string>();

  const close = async (port: number, one: Switched): Promise<void> => {
    if (ports.get(port) === one) ports.delete(port);
    one.renewing?.[Symbol.dispose]();
    one.closing?.[Symbol.dispose]();
    const tap = await one.tap.catch(() => undefined);
    await tap?.[Symbol.asyncDispose]();
  };
  const open = (port: number): Switched => {
    const tap = deps.openTap(onDatagram(port));
    tap.catch(() => {});
    const one: Switched = { tap, renewing: undefined, closing: undefined };
    ports.set(port, one);
    return one;
  };
  const off = async (port: number): Promise<void> => {
    const one = ports.get(port);
    if (one?.renewing === undefined) return;
    one.renewing[Symbol.dispose]();
    one.renewing = undefined;
    one.closing = deps.clock.after(answerMs, () => void close(port, one));
    await one.tap.then(async (tap) => await tap.knock(knockUdpOffAddress, port)).catch(() => {});
  };

  return {
    async on(port) {
      const one = ports.get(port) ?? open(port);
      one.closing?.[Symbol.dispose]();
      one.closing = undefined;
      const knock = async (address: string): Promise<boolean> => {
        const tap = await one.tap;
        // Given back meanwhile: that must be the last word.
        if (one.renewing === undefined) return false;
        return await tap.knock(address, port);
      };
      const renew = (): void => void knock(knockUdpRenewAddress).catch(() => {});
      one.renewing ??= deps.clock.every(knockEveryMs, renew);
      try {
        if (await knock(knockUdpOnAddress)) {
          trouble.delete(port);
          return true;
        }
        trouble.delete(port);
      } catch (error) {
        trouble.set(port, describe(error));
      }
      if (one.renewing !== undefined) await close(port, one);
      return false;
    },
    off,
    whyNot: (port) =>
      trouble.get(port) ??
      `the rules for UDP of the init container ${agentInitContainer} are not there: see its log`,
    async [Symbol.asyncDispose]() {
      await Promise.all([...ports.keys()].map(off));
      await Promise.all([...ports].map(async ([port, one]) => await close(port, one)));
    },
  };
}

/** So often another port is tried, where the first has one address only. */
const tries = 8;

/** Opens the sockets of a tap: one at each of the pod's addresses, and one that knocks, all of one number. */
export async function openUdpTap(
  podIps: readonly string[],
  onDatagram: OnDatagram,
): Promise<UdpTap> {
  for (let tried = 1; ; tried += 1) {
    await using opening = new AsyncDisposableStack();
    const knocking = createSocket('udp4');
    opening.defer(async () => {
      const closed = once(knocking, 'close');
      knocking.close();
      await closed;
    });
    knocking.bind({ address: '127.0.0.1', port: 0, exclusive: true });
    await once(knocking, 'listening');
    const { port } = knocking.address();
    try {
      opening.use(await openDatagramPort({ hosts: podIps, port }, onDatagram));
    } catch (error) {
      if (tried < tries && isTaken(error)) continue;
      throw error;
    }
    knocking.unref();
    knocking.on('error', () => {});
    const open = opening.move();
    const empty = Buffer.alloc(0);
    return {
      knock: async (address, to) =>
        await new Promise((resolve) => {
          // The rule that reads a knock drops it: EPERM is the sign that it was read.
          knocking.send(empty, to, address, (error) => resolve(systemCode(error) === 'EPERM'));
        }),
      [Symbol.asyncDispose]: async () => await open.disposeAsync(),
    };
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && systemCode(error.cause) === 'EADDRINUSE';
}
