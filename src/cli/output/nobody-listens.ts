import { readFile } from 'node:fs/promises';

const listening = '0A';
const tables = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * Whether nobody listens at a port of this machine: looked up, as asking would open a connection that
 * a program may count. Of another machine's ports nothing is known.
 */
export async function nobodyListens(host: string, port: number): Promise<boolean> {
  if (!/^(localhost|127\.|::1$)/.test(host)) return false;
  const texts = await Promise.all(
    tables.map(async (path) => await readFile(path, 'latin1').catch(() => '')),
  );
  return texts.some((text) => text !== '') && !texts.some((text) => hasListener(text, port));
}

/** Whether a table of the kernel's sockets has one that listens at the port, on any address. */
export function hasListener(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return state === listening && local.endsWith(`:${hex}`);
  });
}
