import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import type { DockerCommand } from '../command.ts';
import { commandFailure } from '../command-failure.ts';
import type { EngineFacts } from '../engine-facts.ts';
import { DockerError } from '../errors.ts';
import { pluginDescription, pluginRepository, type VolumePlugin } from './volume-plugin.ts';

interface Deps {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly docker: DockerCommand;
  readonly facts: Pick<EngineFacts, 'kind' | 'rootless'>;
  /** For the engine's processor; asked for only where plugins can be. */
  readonly ownPlugin: (signal: AbortSignal) => Promise<VolumePlugin>;
  readonly progress: (line: string) => void;
}

/**
 * The name of our volume plugin, which the engine has and runs afterwards. One of another build or
 * version is removed, unless volumes of it are there. Throws where the engine takes no plugin.
 */
export async function ensurePlugin(deps: Deps, signal: AbortSignal): Promise<string> {
  const { docker, facts, progress } = deps;
  if (facts.kind === 'podman') throw unfit('Podman has no volume plugins of this kind');
  if (facts.rootless) throw unfit('a Docker Engine without root runs no volume plugins');
  const plugin = await deps.ownPlugin(signal);
  const description = pluginDescription(plugin.content);
  for (const name of [plugin.name, plugin.otherName]) {
    let found = await inspect(docker, name, signal);
    // Of another build, and nobody's: it makes room.
    if (found !== undefined && found.Config.Description !== description) {
      if (!(await remove(docker, name, signal))) continue;
      found = undefined;
    }
    let isOurs = false;
    if (found === undefined) {
      progress(`Making volume plugin ${name} and installing it into Docker`);
      await using directory = await plugin.directory();
      const args = ['plugin', 'create', name, directory.path];
      const made = await docker.run(args, { signal, mayFail: true });
      isOurs = made.status === 0;
      // Somebody may have made it meanwhile.
      found = await inspect(docker, name, signal);
      if (found === undefined) {
        const { status, stderr } = made;
        throw refusal({ path: docker.path, args, status, said: stderr });
      }
    }
    if (!found.Enabled) await enable(deps, { name, isOurs }, signal);
    await removeOthers(docker, name, signal);
    return name;
  }
  throw new DockerError(
    'CommandFailed',
    `volumes of two other builds of ${plugin.name} are in use`,
    {
      hint: 'end what uses them: docker volume ls',
    },
  );
}

const lookEveryMs = 250;
/** Docker itself waits some seconds for a plugin that has started. */
const looks = 28;

/** It is known to run only once Docker has asked it what it is. */
async function enable(
  { docker, clock }: Deps,
  { name, isOurs }: { readonly name: string; readonly isOurs: boolean },
  signal: AbortSignal,
): Promise<void> {
  const args = ['plugin', 'enable', '--timeout', '30', name];
  const { status, stderr } = await docker.run(args, { signal, mayFail: true });
  if (status === 0) return;
  // Another command may be about to enable it, which Docker does not let two do.
  for (let look = 0; look < looks; look += 1) {
    const now = await inspect(docker, name, signal);
    if (now?.Enabled === true) return;
    if (now === undefined) break;
    await clock.sleep(lookEveryMs, signal);
  }
  // What does not start here serves nobody; what another command has made is that one's.
  if (isOurs) await docker.run(['plugin', 'rm', name], { signal, mayFail: true });
  throw refusal({ path: docker.path, args, status, said: stderr });
}

/** What passes, or is the user's to mend: no sign of an engine that never takes plugins. */
const passing =
  /time-?out|timed out|deadline|cancell?ed|no space left|dial unix|connection (?:refused|reset)|too many|exists|already|in use/i;

/** Where the engine itself says no, it is unfit; else something went wrong this time. */
function refusal(failed: Parameters<typeof commandFailure>[0]): DockerError {
  const error = commandFailure(failed);
  const { cause, message } = error;
  if (error.code !== 'CommandFailed') return error;
  if (/^error response from daemon:/im.test(failed.said) && !passing.test(failed.said)) {
    return new DockerError('EngineUnfit', message, { cause });
  }
  return new DockerError('CommandFailed', `Docker's plugin for volumes: ${message}`, {
    cause,
    hint: 'try again, or go without volumes: --mount=false',
  });
}

/** The plugin of this name, where it runs already. */
export async function isRunning(
  docker: DockerCommand,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  return (await inspect(docker, name, signal))?.Enabled === true;
}

/** Those of other versions, unless they are in use, which Docker knows. */
async function removeOthers(
  docker: DockerCommand,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const listed = await docker.run(['plugin', 'ls', '--format', '{{.Name}}'], {
    signal,
    mayFail: true,
  });
  const others = listed.stdout
    .split('\n')
    .filter((one) => one.startsWith(`${pluginRepository}:`) && one !== name);
  for (const other of others) await remove(docker, other, signal);
}

async function remove(docker: DockerCommand, name: string, signal: AbortSignal): Promise<boolean> {
  await docker.run(['plugin', 'disable', name], { signal, mayFail: true });
  const { status } = await docker.run(['plugin', 'rm', name], { signal, mayFail: true });
  return status === 0;
}

const shape = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ Enabled: v.boolean(), Config: v.object({ Description: v.string() }) }),
);

async function inspect(
  docker: DockerCommand,
  name: string,
  signal: AbortSignal,
): Promise<v.InferOutput<typeof shape> | undefined> {
  const args = ['plugin', 'inspect', '--format', '{{json .}}', name];
  const { status, stdout } = await docker.run(args, { signal, mayFail: true });
  const parsed = v.safeParse(shape, stdout);
  return status === 0 && parsed.success ? parsed.output : undefined;
}

function unfit(message: string): DockerError {
  return new DockerError('EngineUnfit', message);
}
