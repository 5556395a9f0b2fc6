import { startListener, type LaptopListener } from '../laptop-listener.ts';

/** A DNS server on the laptop that answers `laptop`. */
export type DnsHandler = LaptopListener;

/** Starts one; it has ended when this is disposed. */
export async function startDnsHandler(
  what: 'udp' | 'tcp' | 'both',
  wanted = 0,
): Promise<DnsHandler> {
  const program = new URL('dns.laptop.ts', import.meta.url).pathname;
  return await startListener([program, String(wanted), what]);
}
