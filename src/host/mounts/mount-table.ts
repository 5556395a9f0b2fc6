import { readFile } from 'node:fs/promises';

/** The other end, as sshfs is told of it. */
export const mountHost = 'telepresence:';
/** What stands as source in the mount table: what is ours is known by it. */
export const mountSource = `${mountHost}/`;

/** The directories at which something of ours is mounted, by the text of /proc/self/mounts. */
export function ownMountPoints(table: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const line of table.split('\n')) {
    const [source, mountPoint = '', type] = line.split(' ');
    if (source === mountSource && type === 'fuse.sshfs') found.add(unescape(mountPoint));
  }
  return found;
}

/** Reads the table. It never touches what is mounted, which may not answer. */
export async function readOwnMountPoints(): Promise<ReadonlySet<string>> {
  return ownMountPoints(await readFile('/proc/self/mounts', 'utf8'));
}

/** The kernel writes blanks, tabs, line ends and backslashes as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
