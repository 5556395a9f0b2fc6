import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '#base/errors.ts';
import type { DockerCommand } from '#docker/command.ts';
import { connectionLabel, handlerLabel, laptopLabel } from '#docker/ours.ts';
import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { makePrivateDirectory } from '../daemon/private-directory.ts';
import { dockerFailure } from '../docker/docker-failure.ts';
import { modeWords } from '../output/mode-words.ts';
import { automaticFlags } from './automatic-flags.ts';
import { dockerOptionWords, lastValue, type DockerWords } from './docker-words.ts';
import { forgetOnceMade } from './forget-environment.ts';
import type { DaemonPlace, SortedOptions } from './option-rules.ts';
import { removeHandler } from './remove-handler.ts';
import { runContainer } from './run-container.ts';
import { splitEnvironment } from './split-environment.ts';
import { openHandlerVolumes } from './volumes/open-handler-volumes.ts';
import { ownMounts } from './volumes/own-mounts.ts';
import type { VolumePlan } from './volumes/plan-volumes.ts';
import { startWatcher } from './watcher.ts';

/** What a handler answers for. */
export interface HandledIntercept {
  readonly info: InterceptInfo;
  /** Resolves with why, where it ends before the container does. */
  readonly ended: Promise<string>;
  /** Called once the container is made. */
  readonly onStart: () => void;
}

/** A handler for which all is there but the intercept. */
export interface PreparedHandler {
  readonly docker: DockerCommand;
  /** The command that was typed, for what is said meanwhile. */
  readonly command: string;
  readonly place: DaemonPlace;
  /** Of the container. */
  readonly name: string;
  readonly words: DockerWords;
  readonly sorted: SortedOptions;
  readonly laptop: string;
  /** Undefined: none of the pod's volumes are wanted. */
  readonly volumes: VolumePlan | undefined;
}

const removeMs = 30_000;

/** Runs the container to its end, and takes back what was made for it; returns its exit code. */
export async function runHandler(
  context: CliContext,
  handler: PreparedHandler,
  intercept: HandledIntercept,
): Promise<number> {
  const { docker, name } = handler;
  const traces = { id: randomUUID(), directory: await privateDirectory(context) };
  const watcher = startWatcher(context, traces);
  try {
    const { args, env, files } = await startingWords(context, { handler, intercept, traces });
    context.signal.throwIfAborted();
    const running = runContainer(
      context,
      { docker },
      { args, container: name, env, onRun: watcher.runs },
    );
    using _forgetting = forgetOnceMade(files, intercept.onStart);
    let isOver = false;
    intercept.ended.then((why) => {
      if (isOver) return;
      warn(context, handler, `${endedSentence(intercept.info, why)}; the container is stopped`);
      running.stop();
    }, running.stop);
    const status = await running.ended;
    isOver = true;
    return status;
  } finally {
    await removeHandler({ docker }, traces, AbortSignal.timeout(removeMs)).catch(
      (error: unknown) => {
        const why = describe(dockerFailure(error));
        warn(context, handler, `the container ${name} may be left: ${why}`);
      },
    );
    watcher.done();
  }
}

/** `the intercept hello has ended: asked to leave` */
export function endedSentence(info: InterceptInfo, why: string): string {
  const { noun } = modeWords(info);
  return `the ${noun} ${info.name} has ended${why === '' ? '' : `: ${why}`}`;
}

/** The words after `docker`, and what else it is started with. */
async function startingWords(
  context: CliContext,
  given: {
    readonly handler: PreparedHandler;
    readonly intercept: HandledIntercept;
    readonly traces: { readonly id: string; readonly directory: string };
  },
): Promise<{
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: { readonly id: string; readonly environment: string };
}> {
  const { handler, intercept, traces } = given;
  const { words, place, laptop, name } = handler;
  const split = splitEnvironment(intercept.info.environment, process.platform);
  for (const left of split.left) {
    warn(
      context,
      handler,
      `the variable ${left} is not given to the container: no way leads there`,
    );
  }
  const environment = join(traces.directory, 'environment');
  await writeFile(environment, split.file, { mode: 0o600 });
  const typedFile = lastValue(words, 'cidfile');
  const id = typedFile ?? join(traces.directory, 'id');
  const labels = labelsOf({ id: traces.id, laptop, place });
  const { args } = automaticFlags({
    place,
    name: lastValue(words, 'name') === undefined ? name : undefined,
    envFile: environment,
    labels,
    volumes: await volumesFor(context, handler, { info: intercept.info, labels }),
    forDebugger: false,
  });
  const cidfile = typedFile === undefined ? [`--cidfile=${id}`] : [];
  const users = dockerOptionWords(handler.sorted.kept);
  return {
    args: ['run', ...args, ...cidfile, ...users, words.image, ...words.args],
    env: split.own,
    files: { id, environment },
  };
}

/** The pod's volumes, made for this one run. */
async function volumesFor(
  context: CliContext,
  handler: PreparedHandler,
  { info, labels }: { readonly info: InterceptInfo; readonly labels: readonly string[] },
): Promise<readonly string[]> {
  const { docker, volumes: plan, sorted } = handler;
  const { files, container } = info;
  if (plan === undefined || files === undefined) return [];
  const taken = ownMounts(sorted.kept);
  const randomName = (): string => randomUUID().slice(0, 8);
  const wanted = { plan, files, container, labels, taken };
  const { args, note } = await openHandlerVolumes(context, { docker, randomName }, wanted);
  if (note !== undefined) warn(context, handler, note);
  return args;
}

function labelsOf(of: {
  readonly id: string;
  readonly laptop: string;
  readonly place: DaemonPlace;
}): readonly string[] {
  const { id, laptop, place } = of;
  const labels = [`${handlerLabel}=${id}`, `${laptopLabel}=${laptop}`];
  if (place.kind === 'container') labels.push(`${connectionLabel}=${place.connection}`);
  return labels;
}

/** The environment holds secrets. */
async function privateDirectory({ places, uid }: CliContext): Promise<string> {
  await makePrivateDirectory(places.runtimeDir, uid);
  const parent = join(places.runtimeDir, 'handlers');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  return await mkdtemp(join(parent, 'run-'));
}

function warn(context: CliContext, { command }: PreparedHandler, sentence: string): void {
  context.warn(`telepresence ${command}: warning: ${sentence}`);
}
