import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { systemCode } from '#base/errors.ts';
import { identify, isAlive, type ProcessIdentity } from './process-table.ts';

/**
 * Holds `path` for this process until disposed. Waits while another living process holds it; what
 * a dead one left is taken over.
 */
export async function lock(
  path: string,
  options: { readonly signal: AbortSignal; readonly onWait: (pid: number) => void },
): Promise<AsyncDisposable> {
  await mkdir(dirname(path), { recursive: true });
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, JSON.stringify(await identify(process.pid)));
  let told = false;
  try {
    for (;;) {
      options.signal.throwIfAborted();
      if (await tryLink(mine, path)) break;
      const owner = await ownerOf(path);
      if (owner !== undefined && (await isAlive(owner))) {
        if (!told) options.onWait(owner.pid);
        told = true;
        await systemClock.sleep(200, options.signal);
        continue;
      }
      // Renaming first makes sure that of two who see a dead owner only one removes its lock.
      await rename(path, `${mine}.stale`).catch(() => {});
      await rm(`${mine}.stale`, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function ownerOf(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    if (!('pid' in value) || !('started' in value)) return undefined;
    const { pid, started } = value;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}
