import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import type { Clock } from '#base/clock.ts';
import { systemCode } from '#base/errors.ts';
import { knockOffAddress, knockOnAddress, knockTimeoutMs } from '#protocol/agent-config.ts';

import { agentInitContainer } from '#protocol/resources.ts';

import { knockCutAddress, knockTapAddress, knockUntapAddress } from '../init/rules.ts';
import type { PortSwitch, TapSwitch } from './takes.ts';

/** How often a taken port is renewed: nine can be missed before the app answers again. */
export const knockEveryMs = knockTimeoutMs / 10;

/** Switches ports between the app and the agent by datagrams that the init container's rules read. */
export interface Knocker extends PortSwitch, TapSwitch, AsyncDisposable {
  /**
   * New connections to `port` come to the agent from now on, those already open end soon. False
   * when nobody heard: the rules are not there, or this process is not in the agent's group.
   */
  on(port: number): Promise<boolean>;
}

interface KnockerDeps {
  readonly clock: Pick<Clock, 'every' | 'monotonic'>;
  /** Sends one datagram; true when the rules took it. */
  readonly send: (address: string, port: number) => Promise<boolean>;
}

/** The knocking itself; it lives in the main loop, so that a loop that hangs gives ports back. */
export function createKnocker(deps: KnockerDeps): Knocker {
  const taken = keptUp(deps, knockOffAddress);
  const tapped = keptUp(deps, knockUntapAddress);
  return {
    async on(port) {
      if (taken.has(port)) return true;
      let knockedAt = deps.clock.monotonic();
      const knock = (): Promise<boolean> => {
        knockedAt = deps.clock.monotonic();
        return deps.send(knockOnAddress, port);
      };
      // In this order, or a busy connection's next packet could meet no grace yet.
      const take = async (): Promise<readonly boolean[]> =>
        await Promise.all([deps.send(knockCutAddress, port), knock()]);
      const renew = (): void => {
        // An agent that was not run for so long had lost the port: what the app got meanwhile was open
        // when it comes back to us, as at any switch.
        const late = deps.clock.monotonic() - knockedAt > knockTimeoutMs - knockEveryMs;
        void (late ? take() : knock());
      };
      taken.renew(port, renew);
      const heard = await take();
      if (heard.every(Boolean)) return true;
      taken.stop(port);
      return false;
    },
    off: async (port) => await taken.end(port),
    async tap(port) {
      if (tapped.has(port)) return true;
      const knock = async (): Promise<boolean> => await deps.send(knockTapAddress, port);
      tapped.renew(port, () => void knock());
      if (await knock()) return true;
      tapped.stop(port);
      return false;
    },
    untap: async (port) => await tapped.end(port),
    whyNotTapped: () =>
      `the rules of the init container ${agentInitContainer} know no wiretaps: restart the workload once (kubectl rollout restart)`,
    whyNot: () =>
      `the rules of the init container ${agentInitContainer} are not there: see its log`,
    async [Symbol.asyncDispose]() {
      await Promise.all([taken.endAll(), tapped.endAll()]);
    },
  };
}

/** Ports that are renewed until they are ended by a datagram to `endAddress`. */
function keptUp(
  deps: KnockerDeps,
  endAddress: string,
): {
  has(port: number): boolean;
  renew(port: number, knock: () => void): void;
  /** Renews it no more. */
  stop(port: number): void;
  end(port: number): Promise<void>;
  endAll(): Promise<void>;
} {
  const renewing = new Map<number, Disposable>();
  const stop = (port: number): void => {
    renewing.get(port)?.[Symbol.dispose]();
    renewing.delete(port);
  };
  const end = async (port: number): Promise<void> => {
    if (!renewing.has(port)) return;
    stop(port);
    await deps.send(endAddress, port);
  };
  return {
    has: (port) => renewing.has(port),
    renew(port, knock) {
      renewing.set(port, deps.clock.every(knockEveryMs, knock));
    },
    stop,
    end,
    async endAll() {
      await Promise.all([...renewing.keys()].map(end));
    },
  };
}

/** A sender of knocks, with a socket of its own. */
export interface KnockSender extends AsyncDisposable {
  readonly send: KnockerDeps['send'];
}

/** Opens the socket that knocks are sent by; the process's group at this moment is the one that counts. */
export async function openKnockSender(): Promise<KnockSender> {
  const socket = createSocket('udp4');
  const bound = once(socket, 'listening');
  socket.bind({ address: '127.0.0.1', port: 0, exclusive: true });
  await bound;
  socket.unref();
  const empty = Buffer.alloc(0);
  return {
    send: (address, port) =>
      new Promise((resolve) => {
        // The rule that reads a knock drops it: EPERM is the sign that it was read.
        socket.send(empty, port, address, (error) => resolve(systemCode(error) === 'EPERM'));
      }),
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
