import { hostname } from 'node:os';
import { openDockerCommand, type DockerCommand } from '#docker/command.ts';
import { laptopId } from '#docker/ours.ts';
import type { InterceptMode } from '#protocol/intercept-mode.ts';
import type { DescribeResponse } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { dockerFailure } from '../docker/docker-failure.ts';
import { listDockerConnections } from '../docker/helpers.ts';
import { CliError } from '../errors.ts';
import { lastValue, parseDockerWords, type DockerWords } from './docker-words.ts';
import { findImage } from './find-image.ts';
import { freeName } from './free-name.ts';
import type { HandlerAsked } from './handler-asked.ts';
import { handlerName } from './handler-name.ts';
import { sortOptions, type DaemonPlace } from './option-rules.ts';
import type { PreparedHandler } from './run-handler.ts';
import { parseRunHelp } from './run-options.ts';
import { planVolumes, type VolumePlan } from './volumes/plan-volumes.ts';

/** A handler whose words are understood; nothing was made for it yet. */
export interface OpenedHandler {
  readonly docker: DockerCommand;
  readonly words: DockerWords;
}

/** Reads the words of `docker run` as the installed command would: what is wrong with them comes first. */
export async function openHandler(
  { env, signal }: CliContext,
  asked: HandlerAsked,
): Promise<OpenedHandler> {
  try {
    const docker = await openDockerCommand({ env, platform: process.platform });
    const help = await docker.run(['run', '--help'], { signal, mayFail: true });
    return { docker, words: parseDockerWords(asked.words, parseRunHelp(help.stdout)) };
  } catch (error) {
    throw dockerFailure(error);
  }
}

/** What the handler is to answer for, before it is intercepted. */
interface Where {
  readonly command: InterceptMode | 'replace';
  readonly name: string;
  readonly port: number | undefined;
  /** Undefined: the daemon runs on this machine itself. */
  readonly inDocker: DescribeResponse | undefined;
  /** Undefined: none of the pod's volumes. */
  readonly volumes: { readonly readOnly: boolean; readonly root: string } | undefined;
}

/** Sees to it that there is an image and a free name, before anything is intercepted. */
export async function prepareHandler(
  context: CliContext,
  opened: OpenedHandler,
  where: Where,
): Promise<PreparedHandler> {
  const { signal, uid, places } = context;
  const { docker, words } = opened;
  const { command, inDocker } = where;
  const place = placeOf(inDocker);
  if (place.kind === 'host') {
    throw new CliError(
      'Failed',
      '--docker-run needs a daemon in a container, and this one is not',
      {
        hint: 'telepresence quit -s, then: telepresence connect --docker',
      },
    );
  }
  const sorted = sortOptions(words, place);
  const laptop = laptopId({ hostname: hostname(), uid, runtimeDir: places.runtimeDir });
  const isOneOfMany = (await listDockerConnections(context)).length > 1;
  const beside = isOneOfMany ? inDocker?.connection : undefined;
  const name = lastValue(words, 'name') ?? handlerName({ ...where, what: command, beside });
  let volumes: VolumePlan | undefined;
  try {
    await freeName({ docker }, { name, laptop, signal });
    await findImage(context, { docker }, words);
    if (inDocker !== undefined && where.volumes !== undefined) {
      volumes = await planVolumes(context, { docker, inDocker }, where.volumes);
    }
  } catch (error) {
    throw dockerFailure(error);
  }
  for (const note of sorted.notes) context.warn(`telepresence ${command}: warning: ${note}`);
  return { docker, command, place, name, words, sorted, laptop, volumes };
}

function placeOf(inDocker: DescribeResponse | undefined): DaemonPlace {
  if (inDocker === undefined) return { kind: 'host' };
  const { networkContainer: network, connection } = inDocker;
  return { kind: 'container', network, connection };
}
