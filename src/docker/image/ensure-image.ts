import * as v from 'valibot';
import { version } from '#base/version.ts';
import type { DockerCommand } from '../command.ts';
import { contentLabel, type ClientImage } from './client-image.ts';
import { removeOldImages } from './old-images.ts';

interface EnsureDeps {
  readonly docker: DockerCommand;
  /** Our own image for the engine's processor; asked for only where it is needed. */
  readonly ownImage: (signal: AbortSignal) => Promise<ClientImage>;
  readonly progress: (line: string) => void;
}

/** An image that the engine has. */
interface FoundImage {
  readonly id: string;
  readonly content: string | undefined;
}

/** The part of its name before `/telepresence`: no registry that exists, unless the user names one. */
export function registryOf(asked: string | undefined): string {
  return asked ?? 'telepresence';
}

/**
 * The name of our image, which the engine has afterwards. Without a registry it is made of this
 * package's own files and loaded, unless the engine has exactly that one; with one it is what the engine
 * has or can pull, and is made here only where it cannot.
 */
export async function ensureImage(
  deps: EnsureDeps,
  options: {
    readonly registry: string | undefined;
    /** Whose earlier images may go; nobody's where it is left out. */
    readonly laptop?: string;
  },
  signal: AbortSignal,
): Promise<string> {
  const { docker, progress } = deps;
  const name = `${registryOf(options.registry)}/telepresence:${version}`;
  const found = await inspect(docker, name, signal);
  if (options.registry !== undefined) {
    if (found !== undefined) return name;
    progress(`Pulling image ${name}`);
    const pulled = await docker.run(['pull', '--quiet', name], { signal, mayFail: true });
    if (pulled.status === 0) return name;
  }
  const image = await deps.ownImage(signal);
  if (found?.content === image.content) return name;
  progress(`Making image ${name} and loading it into Docker`);
  await docker.run(['load', '--quiet'], { signal, input: await image.archive() });
  // The old one of this name has none any more. One that a container uses stays until that is gone.
  if (found !== undefined) {
    const nameless = ['image', 'prune', '--force', `--filter=label=${contentLabel}`];
    await docker.run(nameless, { signal, mayFail: true });
  }
  if (options.laptop !== undefined) {
    await removeOldImages({ docker }, { laptop: options.laptop, name, signal });
  }
  return name;
}

const labels = v.nullish(v.record(v.string(), v.string()));
const shape = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ Id: v.string(), Config: v.nullish(v.object({ Labels: labels })) }),
);

async function inspect(
  docker: DockerCommand,
  name: string,
  signal: AbortSignal,
): Promise<FoundImage | undefined> {
  const argv = ['image', 'inspect', '--format', '{{json .}}', name];
  const { status, stdout } = await docker.run(argv, { signal, mayFail: true });
  return status === 0 ? parseImage(stdout) : undefined;
}

/** What `docker image inspect` says of an image, as far as we read it. */
export function parseImage(printed: string): FoundImage | undefined {
  const parsed = v.safeParse(shape, printed);
  if (!parsed.success) return undefined;
  const { Id: id, Config: config } = parsed.output;
  return { id, content: config?.Labels?.[contentLabel] };
}
