import { handlerLabel } from '#docker/ours.ts';
import type { DockerCommand } from '#docker/command.ts';
import type { DescribeResponse } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { docked } from '../docker/docker-failure.ts';
import type { BesideHost } from './beside-host/prepare.ts';
import { buildImage } from './build-image.ts';
import { lastValue, type DockerWords } from './docker-words.ts';
import { findImage } from './find-image.ts';
import type { BuildAsked } from './handler-asked.ts';
import type { SortedOptions } from './option-rules.ts';
import { labelsOf, type DaemonPlace } from './place.ts';
import { publishPorts } from './publish-ports.ts';
import { planVolumes, type VolumePlan } from './volumes/plan-volumes.ts';
import type { WatchedLane } from './watcher.ts';

/** A container that answers, as far as it is known before anything is intercepted. */
export interface PreparedContainer {
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
  readonly watcher: WatchedLane;
}

/** What it is prepared of; its name is free. */
export interface WantedContainer extends Pick<
  PreparedContainer,
  'command' | 'place' | 'name' | 'words' | 'sorted' | 'besideHost' | 'forDebugger'
> {
  readonly build: BuildAsked | undefined;
  readonly laptop: string;
  /** Undefined: the daemon runs on this machine itself. */
  readonly inDocker: DescribeResponse | undefined;
  readonly volumes: { readonly readOnly: boolean; readonly root: string } | undefined;
  /** Where the user has said it, if that is no command line. */
  readonly said?: { readonly imageHint: string; readonly ports: string };
  /** By which all that is made for it is known. */
  readonly traces: {
    readonly id: string;
    readonly directory: string;
    readonly watcher: WatchedLane;
  };
}

/** Sees to it that there is an image, that volumes can be had, and that its ports are published. */
export async function prepareContainer(
  context: CliContext,
  { docker }: { readonly docker: DockerCommand },
  wanted: WantedContainer,
): Promise<PreparedContainer> {
  const { signal } = context;
  const { command, place, name, words, besideHost, forDebugger, build, laptop, said } = wanted;
  const { id, directory, watcher } = wanted.traces;
  const labels = labelsOf({ id, laptop, place });
  const label = `${handlerLabel}=${id}`;
  const image = await docked(async () =>
    build === undefined
      ? await findImage(context, { docker, watcher }, words, said?.imageHint)
      : await buildImage(context, { docker }, { build, label, directory, watcher }),
  );
  const sorted = build === undefined ? pulledAlready(wanted.sorted, words) : wanted.sorted;
  const { inDocker, volumes: wantedVolumes } = wanted;
  const volumes =
    inDocker === undefined || wantedVolumes === undefined
      ? undefined
      : await docked(async () => await planVolumes(context, { docker, inDocker }, wantedVolumes));
  if (place.kind === 'container' && sorted.published.length > 0) {
    const { published } = sorted;
    const ports = { id, published, place, labels, laptop, name, signal };
    const how = said === undefined ? {} : { said: said.ports };
    await docked(async () => await publishPorts({ docker }, { ...ports, ...how }));
  }
  const asked = { docker, command, place, name, words, sorted, besideHost, forDebugger };
  return { ...asked, image, volumes, labels, directory, watcher };
}

/** Once is enough: `docker run` would ask the registry again while traffic waits for its container. */
function pulledAlready(sorted: SortedOptions, words: DockerWords): SortedOptions {
  if (lastValue(words, 'pull') !== 'always') return sorted;
  return { ...sorted, kept: sorted.kept.filter(({ name }) => name !== 'pull') };
}
