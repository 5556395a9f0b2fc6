import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { DockerCommand } from '#docker/command.ts';
import { commandFailure } from '#docker/command-failure.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { lastValue, type DockerWords } from './docker-words.ts';
import type { Watcher } from './watcher.ts';

interface FindDeps {
  readonly docker: DockerCommand;
  readonly watcher: Pick<Watcher, 'runs'>;
}

const usualHint =
  'docker images shows those that there are; the flags of docker run come before the image';

/**
 * Has the image pulled unless the engine has it, so that a wrong name is said before anything is
 * intercepted, and nobody waits for a registry thereafter. `--pull` is the user's own word on that.
 */
export async function findImage(
  context: CliContext,
  { docker, watcher }: FindDeps,
  words: DockerWords,
  hint = usualHint,
): Promise<string> {
  const { signal } = context;
  const { image } = words;
  const pull = lastValue(words, 'pull') ?? 'missing';
  if (pull === 'always') return await pullImage(context, { docker, watcher }, words, hint);
  // What that is, `docker run` says.
  if (pull !== 'missing' && pull !== 'never') return image;
  const asked = ['image', 'inspect', '--format', '{{.Id}}', image];
  const found = await docker.run(asked, { signal, mayFail: true });
  if (found.status === 0) return image;
  const failed = { path: docker.path, args: asked, status: found.status, said: found.stderr };
  if (!/no such image/i.test(found.stderr)) throw commandFailure(failed);
  if (pull === 'never') {
    throw new CliError('Failed', `the engine has no image ${image}, and --pull never was said`);
  }
  return await pullImage(context, { docker, watcher }, words, hint);
}

async function pullImage(
  context: CliContext,
  { docker, watcher }: FindDeps,
  words: DockerWords,
  hint: string,
): Promise<string> {
  const { signal } = context;
  const { image } = words;
  const platform = lastValue(words, 'platform');
  const args = ['pull', ...(platform === undefined ? [] : [`--platform=${platform}`]), image];
  const { status, said } = await pullShown(context, { docker, watcher }, args);
  signal.throwIfAborted();
  if (status === 0) return image;
  const failure = commandFailure({ path: docker.path, args, status, said });
  throw new CliError('Failed', `no image ${image}: ${failure.message}`, {
    cause: failure,
    hint,
  });
}

/** What Docker tells of its progress goes where ours does: standard output is the container's. */
async function pullShown(
  { env, signal }: CliContext,
  { docker, watcher }: FindDeps,
  args: readonly string[],
): Promise<{ readonly status: number; readonly said: string }> {
  const child = spawn(docker.path, [...args], { stdio: ['ignore', 2, 'pipe'], env, signal });
  child.once('spawn', () => watcher.runs(child.pid));
  const ended = Promise.withResolvers<number>();
  child.on('error', (error) => {
    if (!signal.aborted) ended.reject(error);
  });
  child.on('close', (code) => {
    watcher.runs(undefined);
    ended.resolve(code ?? -1);
  });
  const [said, status] = await Promise.all([
    child.stderr === null ? '' : text(child.stderr),
    ended.promise,
  ]);
  return { status, said };
}
