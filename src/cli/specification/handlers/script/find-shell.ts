import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { ScriptHandler } from '#spec/handler-spec.ts';
import type { CliContext } from '../../../context.ts';
import { CliError } from '../../../errors.ts';

/** The program that reads a script: the specification's, else the user's own, else `sh`. */
export async function findShell(
  { env }: Pick<CliContext, 'env'>,
  { name, shell }: Pick<ScriptHandler, 'name' | 'shell'>,
): Promise<string> {
  const own = env['SHELL'];
  const wanted = shell ?? (own === undefined || own === '' ? 'sh' : own);
  const path = env['PATH'] ?? '';
  const places = isAbsolute(wanted)
    ? [wanted]
    : path
        .split(delimiter)
        .filter((place) => place !== '')
        .map((place) => join(place, wanted));
  for (const place of places) if (await isProgram(place)) return place;
  const where = isAbsolute(wanted) ? '' : ' on PATH';
  throw new CliError(
    'Usage',
    `handler ${name} is a script for ${wanted}, and there is none${where}`,
    {
      hint:
        shell === undefined ? 'set SHELL, or write shell: sh' : 'write shell: sh, or install it',
    },
  );
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
