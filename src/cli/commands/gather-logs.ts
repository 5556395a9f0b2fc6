import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { describe, systemCode } from '#base/errors.ts';
import type { CliContext } from '../context.ts';
import { findUserDaemon } from '../daemon/session.ts';
import { containerLogs, type DockerProgram } from '../docker/container-logs.ts';
import { callError, type UserDaemonClient } from '../daemon/user-daemon-client.ts';
import { CliError } from '../errors.ts';
import { writeZip, type LogFileFound } from '../output/log-zip.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence gather-logs` */
export const runGatherLogs: RunCommand = async (context, line) => {
  const daemons = readDaemons(line.text('daemons') ?? '');
  const path = resolve(context.cwd, line.text('output-file') ?? defaultName(context));
  const inDocker = await containerLogs(context, daemons);
  const onHost = await ownLogs(context, daemons);
  // Whoever has them in containers misses none here.
  const files = [
    ...inDocker,
    ...onHost.filter((one) => inDocker.length === 0 || one.trouble === undefined),
  ];
  await clusterLogs(context, line, files);
  try {
    await writeZip(path, files, { anonymize: line.on('anonymize') });
  } catch (error) {
    throw new CliError('Failed', `write ${path}: ${describe(error)}`, { cause: error });
  }
  const missing = files.flatMap(({ name, trouble }) =>
    trouble === undefined ? [] : [`${name.replace(/\.missing\.txt$/, '')}: ${trouble}`],
  );
  for (const each of missing) context.warn(`telepresence gather-logs: warning: ${each}`);
  context.show({ text: [`Logs have been exported to ${path}`], object: { file: path, missing } });
  return 0;
};

function readDaemons(typed: string): readonly DockerProgram[] {
  if (typed === 'all') return ['user', 'root', 'helper'];
  if (typed.toLowerCase() === 'none') return [];
  return typed.split(',').flatMap((name): DockerProgram[] => {
    if (name === 'user' || name === 'root') return [name];
    // What runs credential plugins for a daemon in a container; else there is none.
    if (name === 'kubeauth') return ['helper'];
    throw new CliError(
      'Usage',
      `invalid argument "${typed}" for "--daemons": all, None, or of root, user`,
    );
  });
}

function defaultName({ clock }: CliContext): string {
  const time = new Date(clock.now()).toISOString().replace(/\..*$/, '').replaceAll(':', '-');
  return `telepresence_logs_${time}.zip`;
}

/** This machine's logs, the older ones too. */
async function ownLogs(
  { places }: CliContext,
  programs: readonly DockerProgram[],
): Promise<readonly LogFileFound[]> {
  const paths = { user: places.userDaemonLog, root: places.rootDaemonLog };
  const daemons = (['user', 'root'] as const).filter((daemon) => programs.includes(daemon));
  const found = daemons.map(async (daemon) => {
    const name = basename(paths[daemon]);
    try {
      const names = (await readdir(places.logDir)).filter(
        (each) => each === name || each.startsWith(`${name}.`),
      );
      if (names.length === 0) throw new Error('there is none: the daemon has never run');
      return await Promise.all(
        names.toSorted().map(async (each) => ({
          name: each,
          parts: [await readFile(join(places.logDir, each))],
        })),
      );
    } catch (error) {
      const trouble =
        systemCode(error) === 'ENOENT'
          ? 'there is none: the daemon has never run'
          : describe(error);
      return [{ name: `${name}.missing.txt`, parts: [], trouble }];
    }
  });
  return (await Promise.all(found)).flat();
}

/** The manager's and the agents' logs, as far as they can be had. */
async function clusterLogs(
  context: CliContext,
  line: ParsedLine,
  files: LogFileFound[],
): Promise<void> {
  const manager = line.on('traffic-manager');
  const agents = line.text('traffic-agents') ?? 'all';
  const isWanted = manager || agents.toLowerCase() !== 'none';
  const missing = (trouble: string): void => {
    if (isWanted) files.push({ name: 'cluster.missing.txt', parts: [], trouble });
  };
  const daemon = await findUserDaemon(context);
  if (daemon === undefined) {
    missing('not connected to a cluster');
    return;
  }
  if (!isWanted) return;
  const wanted = { manager, agents, podYaml: line.on('get-pod-yaml') };
  try {
    await receive(context, daemon, wanted, files);
  } catch (error) {
    missing(callError(error).message);
  }
}

async function receive(
  { signal }: CliContext,
  daemon: UserDaemonClient,
  wanted: { readonly manager: boolean; readonly agents: string; readonly podYaml: boolean },
  files: LogFileFound[],
): Promise<void> {
  const byName = new Map<string, LogFileFound>();
  for await (const part of daemon.gatherLogs(wanted, { signal })) {
    const { name, data, trouble, namespace, pod } = part;
    let file = byName.get(name);
    if (file === undefined) {
      file = { name, parts: [], namespace, pod, ...(trouble === '' ? {} : { trouble }) };
      byName.set(name, file);
      files.push(file);
    }
    file.parts.push(data);
  }
}
