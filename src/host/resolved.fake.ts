import { isDeepStrictEqual } from 'node:util';

import { HostError } from './errors.ts';
import type { LinkNames, Resolved } from './resolved.ts';

/** A systemd-resolved that remembers what it was told. */
export interface FakeResolved extends Resolved {
  running: boolean;
  /** It says no to everything. */
  refuses: boolean;
  readonly links: Map<string, LinkNames>;
}

/** None runs until `running` is set. */
export function createFakeResolved(): FakeResolved {
  const links = new Map<string, LinkNames>();
  const fake: FakeResolved = {
    running: false,
    refuses: false,
    links,
    isRunning: async () => fake.running,
    async set(device, names, signal) {
      signal.throwIfAborted();
      if (!fake.running || fake.refuses) throw new HostError('ToolFailed', 'busctl: no');
      links.set(device, names);
    },
    isSet: async (device, names) => fake.running && isDeepStrictEqual(links.get(device), names),
    async revert(device) {
      if (!fake.running) throw new HostError('ToolFailed', 'busctl: no');
      links.delete(device);
    },
  };
  return fake;
}
