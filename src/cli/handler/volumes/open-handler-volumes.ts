import { posix } from 'node:path';
import type { DockerCommand } from '#docker/command.ts';
import { handlerLabel } from '#docker/ours.ts';
import type { ServedFiles } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../../context.ts';
import type { VolumePlan } from './plan-volumes.ts';

interface Wanted {
  readonly plan: VolumePlan;
  readonly files: ServedFiles;
  /** The intercepted container, whose name the volumes have. */
  readonly container: string;
  /** `NAME=VALUE`; by them volumes are removed with the handler, whoever does it. */
  readonly labels: readonly string[];
  /** Where the user mounts something of his own. */
  readonly taken: ReadonlySet<string>;
}

/** What a handler's `docker run` is told of the pod's volumes. */
export interface HandlerVolumes {
  /** `-v VOLUME:PATH:…`, one after the other. */
  readonly args: readonly string[];
  /** A sentence for the user, where it is less than all. */
  readonly note?: string;
}

/** Makes a volume for each of the pod's; they carry the labels, and go with whatever else has them. */
export async function openHandlerVolumes(
  context: Pick<CliContext, 'signal'>,
  { docker, randomName }: { readonly docker: DockerCommand; readonly randomName: () => string },
  wanted: Wanted,
): Promise<HandlerVolumes> {
  const { plan, files, container, labels, taken } = wanted;
  const { driver } = plan;
  if (typeof driver !== 'string') {
    return { args: [], note: `the pod's volumes are not there: ${driver.lacks}` };
  }
  const own = labels.find((label) => label.startsWith(`${handlerLabel}=`)) ?? '';
  const args: string[] = [];
  for (const [index, path] of files.mounts.entries()) {
    const target = posix.join(plan.root, path);
    if (taken.has(target)) continue;
    const options = {
      container,
      host: files.address,
      port: String(files.port),
      dir: path,
      ...(files.readOnly ? { ro: 'true' } : {}),
      token: files.token,
    };
    const create = async (name: string): Promise<boolean> => {
      const given = Object.entries(options).map(([key, value]) => `--opt=${key}=${value}`);
      const marks = labels.map((label) => `--label=${label}`);
      const { signal } = context;
      const made = ['volume', 'create', `--driver=${driver}`, ...marks, ...given, name];
      const asked = ['volume', 'inspect', '--format', `{{index .Labels "${handlerLabel}"}}`, name];
      const there = await docker.run(made, { signal, mayFail: true });
      // Docker gives whoever asks for a name that exists the old volume, and says nothing.
      const label = (await docker.run(asked, { signal, mayFail: true })).stdout.trim();
      if (`${handlerLabel}=${label}` === own) return true;
      if (there.status !== 0 && label === '') await docker.run(made, { signal });
      return false;
    };
    let name = `${container}-${String(index)}`;
    while (!(await create(name))) name = `${container}-${String(index)}-${randomName()}`;
    const readOnly = files.readOnly || files.readOnlyMounts.includes(path);
    // What the image has there is not for the pod: Docker would copy it into an empty volume.
    args.push('-v', `${name}:${target}:${readOnly ? 'ro,' : ''}nocopy`);
  }
  return { args };
}
