import { lstat, mkdir } from 'node:fs/promises';
import { CliError } from '../errors.ts';

/** Makes a directory that is this user's alone, and refuses one that somebody else laid there. */
export async function makePrivateDirectory(
  path: string,
  owner: { readonly uid: number; readonly platform: NodeJS.Platform },
): Promise<void> {
  const { uid, platform } = owner;
  await mkdir(path, { recursive: true, mode: 0o700 });
  // There it lies in the user's profile, and neither owner nor mode says anything.
  if (platform === 'win32') return;
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new CliError('Daemon', `${path} is not a directory of this user alone`, {
      hint: `remove it, or set its mode to 0700`,
    });
  }
}
