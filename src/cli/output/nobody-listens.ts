import { readFile } from 'node:fs/promises';

/** What the kernel says of a socket that listens, or that takes datagrams from anybody. */
const listening = { TCP: '0A', UDP: '07' } as const;

/** A port of one protocol. */
interface Port {
  readonly port: number;
  readonly protocol: keyof typeof listening;
}

/**
 * Whether nobody listens at a port of this machine: looked up, as asking would open a connection that
 * a program may count. Of another machine's ports nothing is known.
 */
export async function nobodyListens(host: string, port: Port): Promise<boolean> {
  if (!/^(localhost|127\.|::1$)/.test(host)) return false;
  const table = `/proc/net/${port.protocol.toLowerCase()}`;
  const texts = await Promise.all(
    [table, `${table}6`].map(async (path) => await readFile(path, 'latin1').catch(() => '')),
  );
  return texts.some((text) => text !== '') && !texts.some((text) => hasListener(text, port));
}

/** Whether a table of the kernel's sockets has one that listens at the port, on any address. */
export function hasListener(table: string, { port, protocol }: Port): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return state === listening[protocol] && local.endsWith(`:${hex}`);
  });
}
