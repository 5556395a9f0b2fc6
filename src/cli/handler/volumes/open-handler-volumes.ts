import { posix } from 'node:path';
import * as v from 'valibot';
import type { DockerCommand } from '#docker/command.ts';
import { handlerLabel } from '#docker/ours.ts';
import type { ServedFiles } from '#protocol/gen/telepresence_pb.ts';
import { CliError } from '../../errors.ts';
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
  /** Names of volumes that this run has made already, for another handler or intercept. */
  readonly used?: Set<string>;
}

interface Deps {
  readonly docker: DockerCommand;
  readonly signal: AbortSignal;
  readonly randomName: () => string;
}

/** A volume of the pod's, as Docker has it for one handler. */
export interface MountedVolume {
  readonly volume: string;
  /** In the handler's container. */
  readonly target: string;
  readonly readOnly: boolean;
}

/** What a handler is told of the pod's volumes. */
export interface HandlerVolumes {
  readonly volumes: readonly MountedVolume[];
  /** The same for `docker run`: `-v VOLUME:PATH:…`, one after the other. */
  readonly args: readonly string[];
  /** A sentence for the user, where it is less than all. */
  readonly note?: string;
}

/** Makes a volume for each of the pod's; they carry the labels, and go with whatever else has them. */
export async function openHandlerVolumes(deps: Deps, wanted: Wanted): Promise<HandlerVolumes> {
  const { plan, files, container, taken } = wanted;
  const { driver } = plan;
  const mounts = files.mounts
    .map((path, index) => ({ path, index, target: posix.join(plan.root, path) }))
    .filter(({ target }) => !taken.has(target));
  if (typeof driver !== 'string') {
    const small = mounts.filter(({ path }) => files.small.includes(path));
    return await openCopies(deps, wanted, { mounts, small, lacks: driver.lacks });
  }
  const volumes: MountedVolume[] = [];
  for (const { path, index, target } of mounts) {
    const options = {
      container,
      host: files.address,
      port: String(files.port),
      dir: path,
      ...(files.readOnly ? { ro: 'true' } : {}),
      token: files.token,
    };
    const given = Object.entries(options).map(([key, value]) => `--opt=${key}=${value}`);
    const name = await createVolume(deps, wanted, {
      index,
      words: [`--driver=${driver}`, ...given],
    });
    const readOnly = files.readOnly || files.readOnlyMounts.includes(path);
    volumes.push({ volume: name, target, readOnly });
  }
  return { volumes, args: volumeFlags(volumes) };
}

function volumeFlags(volumes: readonly MountedVolume[]): readonly string[] {
  return volumes.flatMap(({ volume, target, readOnly }) => [
    '-v',
    // What the image has there is not for the pod: Docker would copy it into an empty volume.
    `${volume}:${target}:${readOnly ? 'ro,' : ''}nocopy`,
  ]);
}

interface Mount {
  readonly path: string;
  readonly index: number;
  readonly target: string;
}

/** Without a plugin: what is small is copied into volumes of the engine's own, and looked after. */
async function openCopies(
  deps: Deps,
  wanted: Wanted,
  of: {
    readonly mounts: readonly Mount[];
    readonly small: readonly Mount[];
    readonly lacks: string;
  },
): Promise<HandlerVolumes> {
  const { docker, signal } = deps;
  const { plan, files, container, labels } = wanted;
  const { mounts, small, lacks } = of;
  const made: (Mount & { readonly name: string })[] = [];
  for (const mount of small) {
    const name = await createVolume(deps, wanted, { index: mount.index, words: [] });
    made.push({ ...mount, name });
  }
  let leftOut: readonly string[] = [];
  if (made.length > 0) {
    const run = (how: readonly string[], words: readonly string[]): readonly string[] => [
      'run',
      ...how,
      ...labels.map((label) => `--label=${label}`),
      `--network=container:${plan.sandbox}`,
      ...made.flatMap(({ name, path }) => ['-v', `${name}:/copy${path}:nocopy`]),
      '--cap-drop=ALL',
      '--security-opt=no-new-privileges',
      '--env=TELEPRESENCE_FILES_TOKEN',
      '--entrypoint=volume-snapshot',
      plan.image,
      `--host=${files.address}`,
      `--port=${String(files.port)}`,
      `--container=${container}`,
      ...words,
      '--',
      ...made.map(({ path }) => path),
    ];
    const options = { signal, env: { TELEPRESENCE_FILES_TOKEN: files.token } };
    const once = await docker.run(run(['--rm'], ['--once']), options);
    leftOut = parseLeftOut(once.stdout);
    // It goes with the handler, by its labels.
    await docker.run(run(['--detach'], []), options);
  }
  const copied = made.filter(({ path }) => !leftOut.includes(path));
  const missing = mounts.filter(({ path }) => !copied.some((one) => one.path === path));
  const without = missing.map(({ path }) => path).join(', ');
  const note =
    copied.length === 0
      ? `the container has none of the pod's volumes: ${lacks}`
      : `the container has read-only copies of the pod's ConfigMaps, Secrets and tokens, looked after every few seconds${without === '' ? '' : `, and not ${without}`}: ${lacks}`;
  const volumes = copied.map(({ name, target }) => ({ volume: name, target, readOnly: true }));
  return { volumes, args: volumeFlags(volumes), ...(mounts.length === 0 ? {} : { note }) };
}

/** The paths that a copying container has printed. */
export function parseLeftOut(printed: string): readonly string[] {
  const shape = v.pipe(v.string(), v.parseJson(), v.array(v.string()));
  return v.parse(shape, printed.trim());
}

/** `<container>-<n>`, or where somebody has one of that name, another that begins so. */
async function createVolume(
  { docker, signal, randomName }: Deps,
  { container, labels, used = new Set() }: Pick<Wanted, 'container' | 'labels' | 'used'>,
  { index, words }: { readonly index: number; readonly words: readonly string[] },
): Promise<string> {
  const own = labels.find((label) => label.startsWith(`${handlerLabel}=`)) ?? '';
  const marks = labels.map((label) => `--label=${label}`);
  const first = `${container}-${String(index)}`;
  const names = [first, ...Array.from({ length: 4 }, () => `${first}-${randomName()}`)];
  for (const name of names) {
    // They have the same label.
    if (used.has(name)) continue;
    const create = ['volume', 'create', ...words, ...marks, name];
    const asked = ['volume', 'inspect', '--format', `{{index .Labels "${handlerLabel}"}}`, name];
    const made = await docker.run(create, { signal, mayFail: true });
    // Docker gives whoever asks for a name that exists the old volume, and says nothing.
    let found = await docker.run(asked, { signal, mayFail: true });
    if (found.status !== 0) {
      // Nobody has one of this name: another name would not help.
      if (made.status !== 0) await docker.run(create, { signal });
      found = await docker.run(asked, { signal });
    }
    if (`${handlerLabel}=${found.stdout.trim()}` !== own) continue;
    used.add(name);
    return name;
  }
  const tried = names.join(', ');
  throw new CliError('Failed', `Docker gives no volume of its own to a handler: ${tried}`, {
    hint: 'look whose these are: docker volume inspect NAME',
  });
}
