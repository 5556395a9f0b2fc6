import { formatSubnet } from './subnets.ts';
import type { TunDevice } from './tun.ts';

/** A device that remembers its routes. */
export interface FakeTun extends TunDevice {
  routes(): readonly string[];
  closed(): boolean;
}

/** A TUN device without a kernel. */
export function createFakeTun(): FakeTun {
  let routes: string[] = [];
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
    routes = [];
  };
  return {
    name: 'tel0',
    routes: () => routes,
    closed: () => closed,
    async apply({ subnets }, signal) {
      signal.throwIfAborted();
      routes = subnets.map(formatSubnet);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
