import type { Clock } from '#base/clock.ts';
import type { DockerCommand } from '../command.ts';
import type { EngineFacts } from '../engine-facts.ts';
import { architectureFor } from '../engine.ts';
import { DockerError } from '../errors.ts';
import { findNode } from '../image/node-program.ts';
import { openOwnFiles } from '../image/own-files.ts';
import { ensurePlugin, isRunning } from './ensure-plugin.ts';
import { pluginName, volumePlugin } from './volume-plugin.ts';

interface PrepareDeps {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly docker: DockerCommand;
  readonly facts: EngineFacts;
  /** The directory of this package: the one above `dist` or `src`. */
  readonly root: string;
  /** Of this user, for what npm fetches once. */
  readonly cacheDirectory: string;
  readonly temporaryDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** A line for the user, before something that takes seconds. */
  readonly progress: (line: string) => void;
}

/** Sees to it that the engine has and runs our volume plugin, and says its name. */
export async function preparePlugin(deps: PrepareDeps, signal: AbortSignal): Promise<string> {
  const { clock, docker, facts, root, progress } = deps;
  const ownPlugin = async (aborted: AbortSignal) => {
    const architecture = architectureFor(facts);
    const files = await openOwnFiles(root);
    const node = await findNode(deps, { ...files.node, architecture }, aborted);
    return await volumePlugin({ ...deps, files, node }, { architecture });
  };
  try {
    return await ensurePlugin({ clock, docker, facts, ownPlugin, progress }, signal);
  } catch (error) {
    if (!(error instanceof DockerError) || error.code !== 'ImagePartMissing') throw error;
    // What nothing can be made of here may have been made before.
    const name = pluginName(architectureFor(facts));
    if (await isRunning(docker, name, signal)) return name;
    throw error;
  }
}
