import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerCommand } from '#docker/command.ts';
import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { dockerFailure } from '../docker/docker-failure.ts';
import { CliError } from '../errors.ts';
import { modeWords } from '../output/mode-words.ts';
import { hostFlags, publishedPorts } from './beside-host/host-flags.ts';
import { mountedForDocker } from './beside-host/mounted-for-docker.ts';
import type { BesideHost } from './beside-host/prepare.ts';
import { automaticFlags } from './automatic-flags.ts';
import { dockerOptionWords, lastValue, type DockerWords } from './docker-words.ts';
import { forgetOnceMade } from './forget-environment.ts';
import type { SortedOptions } from './option-rules.ts';
import type { DaemonPlace } from './place.ts';
import { runContainer } from './run-container.ts';
import { splitEnvironment } from './split-environment.ts';
import { openHandlerVolumes } from './volumes/open-handler-volumes.ts';
import { ownMounts } from './volumes/own-mounts.ts';
import type { VolumePlan } from './volumes/plan-volumes.ts';
import type { Watcher } from './watcher.ts';

/** What a handler answers for. */
export interface HandledIntercept {
  readonly info: InterceptInfo;
  /** Resolves with why, where it ends before the container does. */
  readonly ended: Promise<string>;
  /** Called once the container is made. */
  readonly onStart: () => void;
}

/** A handler for which all is there but the intercept; what was made for it goes when it is disposed. */
export interface PreparedHandler extends AsyncDisposable {
  readonly docker: DockerCommand;
  /** The command that was typed, for what is said meanwhile. */
  readonly command: string;
  readonly place: DaemonPlace;
  /** Of the container. */
  readonly name: string;
  /** Its name, or its ID where it was built. */
  readonly image: string;
  readonly words: DockerWords;
  readonly sorted: SortedOptions;
  /** Undefined: none of the pod's volumes are wanted. */
  readonly volumes: VolumePlan | undefined;
  /** Undefined: the daemon runs in a container. */
  readonly besideHost: BesideHost | undefined;
  readonly labels: readonly string[];
  readonly forDebugger: boolean;
  /** For files of this run. */
  readonly directory: string;
  readonly watcher: Watcher;
}

/** Runs the container to its end; returns its exit code. */
export async function runHandler(
  context: CliContext,
  handler: PreparedHandler,
  intercept: HandledIntercept,
): Promise<number> {
  const { docker, name: container, watcher } = handler;
  let endedBefore: string | undefined;
  void intercept.ended.then((why) => {
    endedBefore = endedSentence(intercept.info, why);
  });
  const { args, env, files } = await startingWords(context, handler, intercept);
  context.signal.throwIfAborted();
  if (endedBefore !== undefined) {
    throw new CliError('Failed', `${endedBefore}; the container was not started`);
  }
  using _forgetting = forgetOnceMade(context, files, intercept.onStart);
  const running = runContainer(context, { docker }, { args, container, env, watcher });
  let isOver = false;
  void intercept.ended.then((why) => {
    if (isOver) return;
    warn(context, handler, `${endedSentence(intercept.info, why)}; the container is stopped`);
    running.stop();
  });
  try {
    return await running.ended;
  } finally {
    isOver = true;
  }
}

/** The container's directory below which the pod's volumes are; undefined: nothing but what the daemon says. */
export function volumesRoot(
  { volumes, besideHost }: PreparedHandler,
  info: InterceptInfo,
): string | undefined {
  if (info.files !== undefined && volumes !== undefined) return volumes.root;
  return info.mountPoint === '' ? undefined : besideHost?.volumes?.root;
}

/** `the intercept hello has ended: asked to leave` */
export function endedSentence(info: InterceptInfo, why: string): string {
  const { noun } = modeWords(info);
  return `the ${noun} ${info.name} has ended${why === '' ? '' : `: ${why}`}`;
}

/** The words after `docker`, and what else it is started with. */
async function startingWords(
  context: CliContext,
  handler: PreparedHandler,
  { info }: HandledIntercept,
): Promise<{
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: { readonly id: string; readonly environment: string };
}> {
  const { words, place, name, labels, directory, forDebugger } = handler;
  const split = splitEnvironment(info.environment, process.platform);
  for (const left of split.left) {
    warn(
      context,
      handler,
      `the variable ${left} is not given to the container: no way leads there`,
    );
  }
  const environment = join(directory, 'environment');
  await writeFile(environment, split.file, { mode: 0o600 });
  const typedFile = lastValue(words, 'cidfile');
  const id = typedFile ?? join(directory, 'id');
  const { args } = automaticFlags({
    place,
    name: lastValue(words, 'name') === undefined ? name : undefined,
    envFile: environment,
    labels,
    volumes: await volumesFor(context, handler, info),
    forDebugger,
    network: handler.besideHost === undefined ? [] : networkFlags(handler.besideHost, words, info),
  });
  const cidfile = typedFile === undefined ? [`--cidfile=${id}`] : [];
  const users = dockerOptionWords(handler.sorted.kept);
  return {
    args: ['run', ...args, ...cidfile, ...users, handler.image, ...words.args],
    env: split.own,
    files: { id, environment },
  };
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

/** The pod's volumes, made for this one run. */
async function volumesFor(
  context: CliContext,
  handler: PreparedHandler,
  info: InterceptInfo,
): Promise<readonly string[]> {
  const { docker, volumes: plan, sorted, labels, besideHost } = handler;
  if (besideHost?.volumes !== undefined) {
    const wanted = { ...besideHost.volumes, uid: context.uid };
    const { args, note } = await mountedForDocker(info, wanted);
    if (note !== undefined) warn(context, handler, note);
    return args;
  }
  const { files, container } = info;
  if (plan === undefined || files === undefined) return [];
  const taken = ownMounts(sorted.kept);
  const randomName = (): string => randomUUID().slice(0, 8);
  const wanted = { plan, files, container, labels, taken };
  const { signal } = context;
  const { args, note } = await openHandlerVolumes({ docker, signal, randomName }, wanted).catch(
    (error: unknown) => {
      throw dockerFailure(error);
    },
  );
  if (note !== undefined) warn(context, handler, note);
  return args;
}

function warn(context: CliContext, { command }: PreparedHandler, sentence: string): void {
  context.warn(`telepresence ${command}: warning: ${sentence}`);
}
