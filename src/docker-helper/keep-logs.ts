import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { DockerCommand } from '#docker/command.ts';
import { readDaemonLogs } from '#docker/daemon-logs.ts';

interface Deps {
  readonly log: Logger;
  readonly docker: DockerCommand;
  readonly logDirectory: string | undefined;
}

/** Docker forgets what a container has said when it is removed; the last of each name is kept here. */
export async function keepLogs(
  { log, docker, logDirectory }: Deps,
  container: string,
  signal: AbortSignal,
): Promise<void> {
  if (logDirectory === undefined) return;
  try {
    const logs = await readDaemonLogs({ docker }, container, signal);
    for (const { name, text } of Object.values(logs)) {
      await writeFile(join(logDirectory, name), text, { mode: 0o600 });
    }
  } catch (error) {
    log.info('logs of the container are not kept', { reason: describe(error) });
  }
}

/** What it said last, for an error. */
export async function lastWords(docker: DockerCommand, container: string): Promise<string> {
  const signal = AbortSignal.timeout(5000);
  const asked = ['logs', '--tail', '5', container];
  const { stdout, stderr } = await docker.run(asked, { signal, mayFail: true });
  return `${stdout}${stderr}`.trim().slice(-1000);
}
