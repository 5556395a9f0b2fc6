import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { DockerCommand } from '#docker/command.ts';
import { laptopId } from '#docker/ours.ts';
import type { InterceptMode } from '#protocol/intercept-mode.ts';
import type { DescribeResponse } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import type { UserDaemonClient } from '../daemon/user-daemon-client.ts';
import { docked, openDocker } from '../docker/docker-failure.ts';
import { listDockerConnections } from '../docker/helpers.ts';
import { CliError } from '../errors.ts';
import { beginRun } from './begin-run.ts';
import { lastValue, parseDockerWords, type DockerWords } from './docker-words.ts';
import { freeName } from './free-name.ts';
import type { HandlerAsked } from './handler-asked.ts';
import { handlerName } from './handler-name.ts';
import { prepareBesideHost, type BesideHost } from './beside-host/prepare.ts';
import { allKept, refuseWhatOutlives, sortNetworkOptions } from './option-rules.ts';
import { placeOf, type DaemonPlace } from './place.ts';
import { prepareContainer } from './prepare-container.ts';
import type { PreparedHandler } from './run-handler.ts';
import { parseRunHelp, type RunOptions } from './run-options.ts';

/** What is written where an image that is built is meant. */
const placeholder = 'IMAGE';

/** A handler whose words are understood; nothing was made for it yet. */
export interface OpenedHandler {
  readonly docker: DockerCommand;
  readonly words: DockerWords;
  readonly asked: HandlerAsked;
}

/** Reads the words of `docker run` as the installed command would: what is wrong with them comes first. */
export async function openHandler(
  context: CliContext,
  asked: HandlerAsked,
): Promise<OpenedHandler> {
  const docker = await openDocker(context);
  const words = parseDockerWords(asked.words, await readRunOptions(context, docker));
  checkPlaceholder(words, asked);
  refuseWhatOutlives(words);
  refuseOldIdFile(context, words);
  return { docker, words, asked };
}

/** Docker would say so too, but only after the pods' traffic has been led there. */
function refuseOldIdFile({ cwd }: CliContext, words: DockerWords): void {
  const typed = lastValue(words, 'cidfile');
  if (typed === undefined || !existsSync(resolve(cwd, typed))) return;
  throw new CliError('Failed', `the file of --cidfile is there already: ${typed}`, {
    hint: 'remove it if its container is gone, or name another one',
  });
}

/** What the installed command says of the options of `docker run`. */
export async function readRunOptions(
  { signal }: Pick<CliContext, 'signal'>,
  docker: DockerCommand,
): Promise<RunOptions> {
  const help = await docked(
    async () => await docker.run(['run', '--help'], { signal, mayFail: true }),
  );
  return parseRunHelp(help.stdout);
}

/** `IMAGE` and what it stands for belong together. */
function checkPlaceholder({ image }: DockerWords, { build }: HandlerAsked): void {
  if (build === undefined && image === placeholder) {
    throw new CliError('Usage', `${placeholder} stands for the image that --docker-build builds`, {
      hint: 'add --docker-build FOLDER, or name an image in its place',
    });
  }
  if (build === undefined || image === placeholder) return;
  throw new CliError('Usage', `the image that is built is ${placeholder}, and not ${image}`, {
    hint: `write the word ${placeholder} in its place: --docker-build ${build.context} -- ${placeholder} [ARGS...]`,
  });
}

/** What the handler is to answer for, before it is intercepted. */
export interface WantedHandler {
  readonly command: InterceptMode | 'replace';
  readonly name: string;
  readonly port: number | undefined;
  /** Undefined: the daemon runs on this machine itself. */
  readonly inDocker: DescribeResponse | undefined;
  /** Undefined: none of the pod's volumes. */
  readonly volumes:
    | {
        readonly readOnly: boolean;
        readonly root: string;
        /** What `--docker-mount` says. */
        readonly typedRoot: string | undefined;
      }
    | undefined;
  readonly daemon: UserDaemonClient;
  /** Where the daemon on this machine is to send the traffic; empty: to 127.0.0.1. */
  readonly address: string;
  /** In the container, where the daemon runs on this machine. */
  readonly containerPort: number | undefined;
}

/** Sees to it that there is an image and a free name, before anything is intercepted. */
export async function prepareHandler(
  context: CliContext,
  opened: OpenedHandler,
  where: WantedHandler,
): Promise<PreparedHandler> {
  const { signal, uid, places } = context;
  const { docker, words, asked } = opened;
  const { command, inDocker } = where;
  const place: DaemonPlace = inDocker === undefined ? { kind: 'host' } : placeOf(inDocker);
  const sorted = place.kind === 'host' ? allKept(words) : sortNetworkOptions(words, place);
  const besideHost = place.kind === 'host' ? await besideHostOf(context, opened, where) : undefined;
  const laptop = laptopId({ hostname: hostname(), uid, runtimeDir: places.runtimeDir });
  const isOneOfMany = (await listDockerConnections(context)).length > 1;
  const beside = isOneOfMany ? inDocker?.connection : undefined;
  const name = lastValue(words, 'name') ?? handlerName({ ...where, what: command, beside });
  await docked(async () => await freeName({ docker }, { name, laptop, signal }));
  for (const note of sorted.notes) context.warn(`telepresence ${command}: warning: ${note}`);
  await using undo = new AsyncDisposableStack();
  const id = randomUUID();
  const traces = await beginRun(context, { docker, id, name, command }, undo);
  const asking = { build: asked.build, forDebugger: asked.forDebugger, words, sorted };
  const prepared = await prepareContainer(
    context,
    { docker },
    {
      ...asking,
      command,
      place,
      name,
      besideHost,
      laptop,
      inDocker,
      volumes: where.volumes,
      traces: { id, ...traces },
    },
  );
  const owned = undo.move();
  return { ...prepared, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function besideHostOf(
  context: CliContext,
  { docker, words }: OpenedHandler,
  where: WantedHandler,
): Promise<BesideHost> {
  const { daemon, command, port, address, containerPort, volumes } = where;
  const mounted = volumes && { root: volumes.typedRoot, readOnly: volumes.readOnly };
  const host = address === '' ? '127.0.0.1' : address;
  const local = port === undefined ? undefined : { host, port };
  const asked = { command, words, local, containerPort, volumes: mounted };
  return await prepareBesideHost(context, { docker, daemon }, asked);
}
