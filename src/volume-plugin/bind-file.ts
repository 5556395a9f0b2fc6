import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { VolumePluginError } from './errors.ts';

/** Linux' own, which Node has no name for: a handle on what is there, to which nothing is done. */
const pathOnly = 0o10_000_000;

/**
 * Makes a file be seen at `target`, a file too. What its directory shows is another machine's word: were
 * it a link, the engine would be led to a file of this machine. So it is taken by a handle that follows
 * none, and mounted by that.
 */
export async function bindFile(
  { file, target }: { readonly file: string; readonly target: string },
  signal: AbortSignal,
): Promise<void> {
  await using handle = await open(file, pathOnly | constants.O_NOFOLLOW);
  if (!(await handle.stat()).isFile()) throw new VolumePluginError('Refused', 'it is no file');
  const child = spawn('busybox', ['mount', '-o', 'bind', '/proc/self/fd/3', target], {
    stdio: ['ignore', 'ignore', 'pipe', handle.fd],
    signal,
  });
  const ended = Promise.withResolvers<number>();
  child.on('error', ended.reject);
  child.on('close', (code) => ended.resolve(code ?? -1));
  const [said, status] = await Promise.all([
    child.stderr === null ? '' : text(child.stderr),
    ended.promise,
  ]);
  if (status !== 0) throw new VolumePluginError('Refused', `mount: ${said.trim()}`);
}
