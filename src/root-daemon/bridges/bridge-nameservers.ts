import { parseIp } from '#protocol/ip-address.ts';

import type { MachineResolver } from '../resolver/name-way.ts';

/** Whom Docker has containers ask where this machine lists only itself. */
const dockersOwn = ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'] as const;

/**
 * Whom containers ask for names: Docker gives them this machine's nameservers, by way of its resolver in
 * the container or not; but never one that listens on a loopback address, which would be another there.
 */
export function bridgeNameservers({ nameservers, resolved }: MachineResolver): string[] {
  const listed = [...nameservers, ...(resolved?.upstream ?? [])].filter((one) => !isLoopback(one));
  return listed.length === 0 ? [...dockersOwn] : [...new Set(listed)];
}

function isLoopback(text: string): boolean {
  const address = parseIp(text);
  if (address === undefined) return false;
  return address.family === 4 ? address.value >> 24n === 127n : address.value === 1n;
}
