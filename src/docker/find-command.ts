import { posix, win32 } from 'node:path';

interface FindDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly isExecutable: (path: string) => Promise<boolean>;
}

/**
 * The docker command that the user's shell would run, by its whole path: two of them may be installed,
 * and what goes wrong names the one it went wrong with.
 */
export async function findCommand(deps: FindDeps, name: string): Promise<string | undefined> {
  for (const path of candidates(deps, name)) {
    if (await deps.isExecutable(path)) return path;
  }
  return undefined;
}

/** Every file that could be it, in the order in which a shell looks. */
export function candidates(deps: Omit<FindDeps, 'isExecutable'>, name: string): readonly string[] {
  const { env, platform } = deps;
  const isWindows = platform === 'win32';
  const { delimiter, join } = isWindows ? win32 : posix;
  // Windows knows neither the case of a variable nor that of a file.
  const read = (variable: string): string =>
    Object.entries(env).find(([key]) =>
      isWindows ? key.toUpperCase() === variable : key === variable,
    )?.[1] ?? '';
  const directories = read('PATH').split(delimiter).filter(Boolean);
  const ends = isWindows ? (read('PATHEXT') || '.COM;.EXE').split(';').filter(isProgram) : [''];
  return directories.flatMap((directory) =>
    ends.map((end) => join(unquoted(directory), name + end)),
  );
}

/** Scripts of cmd.exe cannot be started without a shell, whose quoting is another. */
const isProgram = (end: string): boolean => /^\.(com|exe)$/i.test(end);

const unquoted = (directory: string): string => directory.replace(/^"(.*)"$/, '$1');
