import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

interface Port {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

/** What a socket's state says where it waits for others: TCP listens, UDP is not connected. */
const waiting = { TCP: '0A', UDP: '07' } as const;

/**
 * The program that has a port of this machine, `postgres (pid 812)`. Undefined where that cannot be
 * seen: another user's programs hide their sockets from all but root.
 */
export async function findHolder(port: Port, proc = '/proc'): Promise<string | undefined> {
  const protocol = port.protocol === 'TCP' ? 'tcp' : 'udp';
  const tables = await Promise.all(
    [protocol, `${protocol}6`].map(
      async (name) => await readFile(join(proc, 'net', name), 'latin1').catch(() => ''),
    ),
  );
  const links = new Set(
    tables.flatMap((table) => socketInodes(table, port)).map((inode) => `socket:[${inode}]`),
  );
  if (links.size === 0) return undefined;
  for (const pid of await readdir(proc)) {
    if (!/^\d+$/.test(pid) || !(await hasOne(join(proc, pid, 'fd'), links))) continue;
    // Not `comm`, which is the name of a thread: Node's is node-MainThread.
    const name = basename(await readlink(join(proc, pid, 'exe')).catch(() => ''));
    return `${name === '' ? 'a program' : name} (pid ${pid})`;
  }
  return undefined;
}

/** The inodes of sockets that wait at a port, in a table of the kernel's (`/proc/net/tcp`). */
export function socketInodes(table: string, { port, protocol }: Port): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, place = '', , state] = fields;
    const inode = fields[9];
    const isIt = state === waiting[protocol] && place.endsWith(`:${hex}`);
    return isIt && inode !== undefined ? [inode] : [];
  });
}

/** Whether one of these is among a process's open files; another user's cannot be read. */
async function hasOne(directory: string, links: ReadonlySet<string>): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => await readlink(join(directory, name)).catch(() => '')),
  );
  return found.some((link) => links.has(link));
}
