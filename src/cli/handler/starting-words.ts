import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { dockerFailure } from '../docker/docker-failure.ts';
import { hostFlags, publishedPorts } from './beside-host/host-flags.ts';
import { mountedForDocker } from './beside-host/mounted-for-docker.ts';
import type { BesideHost } from './beside-host/prepare.ts';
import { automaticFlags } from './automatic-flags.ts';
import { dockerOptionWords, lastValue, type DockerWords } from './docker-words.ts';
import type { PreparedContainer } from './prepare-container.ts';
import { splitEnvironment } from './split-environment.ts';
import { openHandlerVolumes } from './volumes/open-handler-volumes.ts';
import { ownMounts } from './volumes/own-mounts.ts';

/** What the docker command is started with. */
export interface StartingWords {
  readonly args: readonly string[];
  /** Values that the arguments only name. */
  readonly env: Readonly<Record<string, string>>;
  readonly files: { readonly id: string; readonly environment: string };
}

/** The words after `docker`, and what else a container is started with. */
export async function startingWords(
  context: CliContext,
  container: PreparedContainer,
  of: {
    /** The intercepts that it answers for: of two that say something of one name, the first one counts. */
    readonly served: readonly InterceptInfo[];
    /** Wins over what the pods have. */
    readonly environment?: Readonly<Record<string, string>>;
    /** Names of volumes that other containers of this run have. */
    readonly usedVolumes?: Set<string>;
  },
): Promise<StartingWords> {
  const { words, place, name, labels, directory, forDebugger, besideHost } = container;
  const { served, environment = {}, usedVolumes = new Set<string>() } = of;
  const pods = served.toReversed().map((info) => info.environment);
  const merged: Record<string, string> = {};
  for (const variables of [...pods, environment]) Object.assign(merged, variables);
  const split = splitEnvironment(merged, process.platform);
  for (const left of split.left) {
    warn(
      context,
      container,
      `the variable ${left} is not given to the container: no way leads there`,
    );
  }
  const file = join(directory, 'environment');
  await writeFile(file, split.file, { mode: 0o600 });
  const typedFile = lastValue(words, 'cidfile');
  const id = typedFile ?? join(directory, 'id');
  const volumes: string[] = [];
  const taken = new Set(ownMounts(container.sorted.kept));
  for (const info of served) {
    volumes.push(...(await volumesFor(context, container, { info, taken, usedVolumes })));
  }
  const [first] = served;
  const { args } = automaticFlags({
    place,
    name: lastValue(words, 'name') === undefined ? name : undefined,
    envFile: file,
    labels,
    volumes,
    forDebugger,
    network:
      besideHost === undefined || first === undefined ? [] : networkFlags(besideHost, words, first),
  });
  const cidfile = typedFile === undefined ? [`--cidfile=${id}`] : [];
  const users = dockerOptionWords(container.sorted.kept);
  return {
    args: ['run', ...args, ...cidfile, ...users, container.image, ...words.args],
    env: split.own,
    files: { id, environment: file },
  };
}

/** The container's directory below which the pod's volumes are; undefined: nothing but what the daemon says. */
export function volumesRoot(
  { volumes, besideHost }: Pick<PreparedContainer, 'volumes' | 'besideHost'>,
  info: InterceptInfo,
): string | undefined {
  if (info.files !== undefined && volumes !== undefined) return volumes.root;
  return info.mountPoint === '' ? undefined : besideHost?.volumes?.root;
}

/** What leads from this machine into the container. */
function networkFlags(
  { network, withoutSearch, containerPort }: BesideHost,
  words: DockerWords,
  info: InterceptInfo,
): readonly string[] {
  const ports = publishedPorts(info, containerPort);
  const published = words.options.flatMap(({ name, value }) => (name === 'publish' ? [value] : []));
  return hostFlags({ network, ports, published, withoutSearch });
}

/** The volumes of one pod, made for this one run; where they are is added to what is taken. */
async function volumesFor(
  context: CliContext,
  container: PreparedContainer,
  of: {
    readonly info: InterceptInfo;
    readonly taken: Set<string>;
    readonly usedVolumes: Set<string>;
  },
): Promise<readonly string[]> {
  const { docker, volumes: plan, labels, besideHost } = container;
  const { info, taken, usedVolumes: used } = of;
  if (besideHost?.volumes !== undefined) {
    const wanted = { ...besideHost.volumes, uid: context.uid };
    const { args, note } = await mountedForDocker(info, wanted);
    if (note !== undefined) warn(context, container, note);
    return args;
  }
  const { files } = info;
  if (plan === undefined || files === undefined) return [];
  const randomName = (): string => randomUUID().slice(0, 8);
  const wanted = { plan, files, container: info.container, labels, taken, used };
  const { signal } = context;
  const { args, note } = await openHandlerVolumes({ docker, signal, randomName }, wanted).catch(
    (error: unknown) => {
      throw dockerFailure(error);
    },
  );
  for (const path of files.mounts) taken.add(posix.join(plan.root, path));
  if (note !== undefined) warn(context, container, note);
  return args;
}

function warn(context: CliContext, { command }: PreparedContainer, sentence: string): void {
  context.warn(`telepresence ${command}: warning: ${sentence}`);
}
