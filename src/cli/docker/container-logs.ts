import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, systemCode } from '#base/errors.ts';
import { openDockerCommand } from '#docker/command.ts';
import { daemonLogNames, readDaemonLogs } from '#docker/daemon-logs.ts';
import type { CliContext } from '../context.ts';
import type { LogFileFound } from '../output/log-zip.ts';
import { helperLog } from './launch-helper.ts';
import { listDockerConnections } from './helpers.ts';

/** Whose logs are wanted. */
export type DockerProgram = 'user' | 'root' | 'helper';

/** Logs of connections in containers: those that there are, and what ended ones have left. */
export async function containerLogs(
  context: CliContext,
  wanted: readonly DockerProgram[],
): Promise<readonly LogFileFound[]> {
  const { env, places, signal } = context;
  const files: LogFileFound[] = [];
  const live = (await listDockerConnections(context)).map((one) => one.daemonContainer);
  for (const container of live) {
    try {
      const docker = await openDockerCommand({ env, platform: process.platform });
      const logs = await readDaemonLogs({ docker }, container, signal);
      for (const which of ['user', 'root'] as const) {
        const { name, text } = logs[which];
        if (wanted.includes(which)) files.push({ name, parts: [Buffer.from(text)] });
      }
    } catch (error) {
      const trouble = describe(error);
      files.push({ name: `${container}.missing.txt`, parts: [], trouble });
    }
  }
  const over = (name: string): boolean =>
    !live.some((container) => Object.values(daemonLogNames(container)).includes(name));
  const isWanted: Readonly<Record<DockerProgram, (name: string) => boolean>> = {
    helper: (name) => name === helperLog || name.startsWith(`${helperLog}.`),
    user: (name) => /^tp-.*\.user-daemon\.log$/.test(name) && over(name),
    root: (name) => /^tp-.*\.root-daemon\.log$/.test(name) && over(name),
  };
  const names = await readdir(places.logDir).catch((error: unknown): string[] => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names.toSorted()) {
    if (!wanted.some((which) => isWanted[which](name))) continue;
    files.push({ name, parts: [await readFile(join(places.logDir, name))] });
  }
  return files;
}
