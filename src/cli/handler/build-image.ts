import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerCommand } from '#docker/command.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { BuildAsked } from './handler-asked.ts';
import type { Watcher } from './watcher.ts';

/**
 * Builds an image as the user's own `docker build` would, with its output for all to see; returns the
 * image's ID. The image has a label and no name, so it goes with the run that it was built for, and
 * the layers stay for the next build. One that the user gives a name is the user's, and stays.
 */
export async function buildImage(
  context: CliContext,
  { docker }: { readonly docker: DockerCommand },
  options: {
    readonly build: BuildAsked;
    /** One only: of several the older builder makes as many images that nobody removes. */
    readonly label: string;
    readonly directory: string;
    readonly watcher: Pick<Watcher, 'runs'>;
  },
): Promise<string> {
  const { build, label, directory, watcher } = options;
  const { signal } = context;
  const iidFile = join(directory, 'image');
  const isNamed = build.options.some((option) => /^(--tag|-t)(=|$)/.test(option));
  const args = [
    'build',
    `--iidfile=${iidFile}`,
    ...(isNamed ? [] : [`--label=${label}`]),
    ...(await builderOptions(docker, signal)),
    ...build.options,
    build.context,
  ];
  const status = await shown(context, { docker, watcher }, args);
  signal.throwIfAborted();
  if (status !== 0) {
    throw new CliError(
      'Failed',
      `no image could be built of ${build.context}: docker build ended with exit code ${String(status)}`,
    );
  }
  const id = await readFile(iidFile, 'utf8').catch(() => '');
  if (id.trim() !== '') return id.trim();
  throw new CliError('Failed', `the build of ${build.context} left no image in the engine`, {
    hint: 'leave out the --docker-build-opt that sends it elsewhere',
  });
}

/** Standard output is the container's: whatever the build says goes beside it. */
async function shown(
  { cwd, signal }: CliContext,
  { docker, watcher }: { readonly docker: DockerCommand; readonly watcher: Pick<Watcher, 'runs'> },
  args: readonly string[],
): Promise<number> {
  signal.throwIfAborted();
  const child = spawn(docker.path, [...args], { stdio: ['inherit', 2, 2], cwd, env: docker.env });
  child.once('spawn', () => watcher.runs(child.pid));
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    await once(child, 'close');
    return child.exitCode ?? -1;
  } finally {
    signal.removeEventListener('abort', stop);
    watcher.runs(undefined);
  }
}

/** Since version 23 the command is buildx, whose builder may keep what it builds to itself. */
async function builderOptions(
  docker: DockerCommand,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const version = await docker.run(['--version'], { signal, mayFail: true });
  const major = Number(/version (\d+)\./.exec(version.stdout)?.[1] ?? 0);
  // The older builder leaves the container of a step that failed.
  if (major < 23) return (docker.env['DOCKER_BUILDKIT'] ?? '0') === '0' ? ['--force-rm'] : [];
  const builder = await docker.run(['buildx', 'inspect'], { signal, mayFail: true });
  const driver = /^Driver: +(\S+)/m.exec(builder.stdout)?.[1] ?? 'docker';
  return builder.status === 0 && driver !== 'docker' ? ['--load'] : [];
}
