import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDockerCommand, type DockerCommand } from '#docker/command.ts';

/** For tests: a docker command that is a script, in a folder of its own. */
export interface ScriptDocker extends AsyncDisposable {
  readonly docker: DockerCommand;
  /** `$HERE` of the script. */
  readonly directory: string;
  /** What a file there says; nothing where there is none. */
  read(file: string): Promise<string>;
}

/** Writes it. */
export async function scriptDocker(
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ScriptDocker> {
  const directory = await mkdtemp(join(tmpdir(), 'script-docker-'));
  await writeFile(join(directory, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const PATH = `${directory}:/usr/bin:/bin`;
  return {
    directory,
    docker: await openDockerCommand({ env: { ...env, PATH, HERE: directory }, platform: 'linux' }),
    read: async (file) => await readFile(join(directory, file), 'utf8').catch(() => ''),
    [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }),
  };
}
