import { resolve } from 'node:path';
import { CliError } from '../errors.ts';

/** Where volumes are to be seen. */
export interface MountAsked {
  /** Absolute; empty: a new directory. */
  readonly path: string;
  readonly readOnly: boolean;
  /** Not here, but by the daemon in a container, on this address of its. */
  readonly serveOn?: string;
}

/** `true`, `false`, or a path, each but `false` perhaps with `:ro`; undefined: nowhere. */
export function parseMount(typed: string, cwd: string): MountAsked | undefined {
  const readOnly = typed.endsWith(':ro');
  const where = readOnly ? typed.slice(0, -':ro'.length) : typed;
  if (where === 'false' && !readOnly) return undefined;
  if (where === 'true') return { path: '', readOnly };
  if (where === '' || where === 'false' || where.includes('\0')) {
    throw new CliError(
      'Usage',
      `invalid argument "${typed}" for "--mount": true, false, or the path of an empty directory, and :ro behind it`,
    );
  }
  return { path: resolve(cwd, where), readOnly };
}
