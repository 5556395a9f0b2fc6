import { formatSubnet } from './subnets.ts';
import type { TunDevice } from './tun.ts';

/** A device that remembers its routes. */
export interface FakeTun extends TunDevice {
  routes(): readonly string[];
  addressed(): boolean;
  closed(): boolean;
}

/** A TUN device without a kernel. */
export function createFakeTun(): FakeTun {
  let routes: string[] = [];
  let isAddressed = false;
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
    routes = [];
  };
  return {
    name: 'tel0',
    routes: () => routes,
    addressed: () => isAddressed,
    closed: () => closed,
    async apply({ subnets, addressed = false }, signal) {
      signal.throwIfAborted();
      isAddressed = addressed;
      routes = subnets.map(formatSubnet);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
