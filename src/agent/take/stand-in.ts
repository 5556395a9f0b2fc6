import { describe } from '#base/errors.ts';

import type { PortSwitch } from './takes.ts';

interface Deps {
  /** The ways that an app's ports are taken by as it runs. */
  readonly ports: PortSwitch;
  /** Listens at the port itself; rejects where somebody else does. */
  readonly open: (port: number) => Promise<AsyncDisposable>;
}

/** A switch that knows one way more. */
export interface StandIn extends PortSwitch, AsyncDisposable {
  /** The agent listens there itself: what nobody takes may not be passed on, it would come back. */
  standsAt(port: number): boolean;
}

/**
 * Takes ports as ever, and where that cannot be, of a container that has stepped aside, by listening in its
 * place. A port that is given back is then closed, as it is where nobody takes it.
 */
export function createStandIn({ ports, open }: Deps): StandIn {
  const opened = new Map<number, Promise<AsyncDisposable>>();
  const trouble = new Map<number, string>();
  const close = async (port: number): Promise<void> => {
    const one = opened.get(port);
    opened.delete(port);
    const listener = await one?.catch(() => undefined);
    await listener?.[Symbol.asyncDispose]();
  };
  return {
    async on(port, aside = false) {
      trouble.delete(port);
      if (await ports.on(port, aside)) return true;
      if (!aside) return false;
      const opening = opened.get(port) ?? open(port);
      opened.set(port, opening);
      try {
        await opening;
        return opened.get(port) === opening;
      } catch (error) {
        trouble.set(port, describe(error));
        await close(port);
        return false;
      }
    },
    async off(port) {
      await Promise.all([ports.off(port), close(port)]);
    },
    whyNot: (port) => trouble.get(port) ?? ports.whyNot(port),
    standsAt: (port) => opened.has(port),
    async [Symbol.asyncDispose]() {
      await Promise.all([...opened.keys()].map(close));
    },
  };
}
