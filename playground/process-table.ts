import { readdir, readFile, readlink } from 'node:fs/promises';

/** A process that cannot be mistaken for a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of /proc/PID/stat. */
  readonly started: string;
}

/** The process of this number now, or undefined where none lives (a zombie does not). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may hold anything, so fields are counted from the last parenthesis.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const started = fields[19];
  if (started === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, started };
}

/** Whether that same process still lives. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.started === identity.started;
}

/** Kills exactly that process. */
export async function killExactly(identity: ProcessIdentity): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}

/** All living processes for which `test` holds. */
export async function findProcesses(
  test: (pid: number) => Promise<boolean>,
): Promise<readonly ProcessIdentity[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const identity = await identify(Number(name));
      return identity !== undefined && (await test(identity.pid)) ? identity : undefined;
    }),
  );
  return found.filter((identity) => identity !== undefined);
}

/** A link below /proc/PID (`exe`, `ns/net`), or undefined where it cannot be read. */
export async function processLink(pid: number, link: string): Promise<string | undefined> {
  return readlink(`/proc/${pid}/${link}`).catch(() => undefined);
}

/** The pids of a process's children. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}
