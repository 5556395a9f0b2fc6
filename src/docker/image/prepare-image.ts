import type { DockerCommand } from '../command.ts';
import type { EngineFacts } from '../engine-facts.ts';
import { architectureFor } from '../engine.ts';
import { clientImage } from './client-image.ts';
import { ensureImage, registryOf } from './ensure-image.ts';
import { findNode } from './node-program.ts';
import { openOwnFiles } from './own-files.ts';

interface PrepareDeps {
  readonly docker: DockerCommand;
  readonly facts: EngineFacts;
  /** The directory of this package: the one above `dist` or `src`. */
  readonly root: string;
  /** Of this user, for what npm fetches once. */
  readonly cacheDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** A line for the user, before something that takes seconds. */
  readonly progress: (line: string) => void;
}

/** Sees to it that the engine has our image, and says its name. */
export async function prepareImage(
  deps: PrepareDeps,
  options: Parameters<typeof ensureImage>[1],
  signal: AbortSignal,
): Promise<string> {
  const { docker, facts, root, progress } = deps;
  const architecture = architectureFor(facts);
  const registry = registryOf(options.registry);
  const ownImage = async (aborted: AbortSignal) => {
    const files = await openOwnFiles(root);
    const node = await findNode(deps, { ...files.node, architecture }, aborted);
    return await clientImage({ files, node }, { ...options, architecture, registry });
  };
  return await ensureImage({ docker, ownImage, progress }, options, signal);
}
