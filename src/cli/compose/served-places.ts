import { randomUUID } from 'node:crypto';
import type { HandlerPlace } from '#compose/rewrite.ts';
import type { DockerCommand } from '#docker/command.ts';
import type { CliContext } from '../context.ts';
import { docked } from '../docker/docker-failure.ts';
import { openHandlerVolumes, type MountedVolume } from '../handler/volumes/open-handler-volumes.ts';
import type { VolumePlan } from '../handler/volumes/plan-volumes.ts';
import type { RunConnection, ServedIntercept } from '../specification/handlers/handler-kind.ts';
import { readLabels } from './project-labels.ts';

/** What services get of the pods that they stand in for. */
export interface ServedPlaces {
  /** By service. */
  readonly places: ReadonlyMap<string, HandlerPlace>;
  /** Names of all volumes that were made. */
  readonly volumes: readonly string[];
  readonly notes: readonly string[];
}

/** Makes the volumes of each intercept once, and gives each service those of its own. */
export async function servedPlaces(
  { signal }: Pick<CliContext, 'signal'>,
  { docker }: { readonly docker: DockerCommand },
  of: {
    /** By service; the first intercept of each counts where two differ. */
    readonly assigned: ReadonlyMap<string, readonly ServedIntercept[]>;
    /** By the intercept's name and connection; none: without volumes. */
    readonly planOf: (intercept: ServedIntercept) => VolumePlan | undefined;
    /** `NAME=VALUE` */
    readonly labelsOn: (connection: RunConnection) => readonly string[];
    /** Names of volumes that this run has already. */
    readonly used: Set<string>;
  },
): Promise<ServedPlaces> {
  const { assigned, planOf, labelsOn, used } = of;
  const randomName = (): string => randomUUID().slice(0, 8);
  const made = new Map<ServedIntercept, readonly MountedVolume[]>();
  const notes: string[] = [];
  for (const intercept of new Set([...assigned.values()].flat())) {
    const plan = planOf(intercept);
    const { files, container } = intercept.info;
    if (plan === undefined || files === undefined) continue;
    const labels = labelsOn(intercept.connection);
    const wanted = { plan, files, container, labels, used, taken: new Set<string>() };
    const opened = await docked(
      async () => await openHandlerVolumes({ docker, signal, randomName }, wanted),
    );
    made.set(intercept, opened.volumes);
    if (opened.note !== undefined) notes.push(`${intercept.name}: ${opened.note}`);
  }
  const places = new Map<string, HandlerPlace>();
  for (const [service, intercepts] of assigned) {
    const volumes = new Map<string, MountedVolume>();
    const environment: Record<string, string> = {};
    for (const intercept of intercepts) {
      const plan = planOf(intercept);
      const { environment: pods, files } = intercept.info;
      const root =
        files === undefined || plan === undefined ? {} : { TELEPRESENCE_ROOT: plan.root };
      for (const [name, value] of Object.entries({ ...pods, ...root })) environment[name] ??= value;
      for (const volume of made.get(intercept) ?? []) {
        const other = volumes.get(volume.target);
        if (other === undefined) volumes.set(volume.target, volume);
        else {
          notes.push(
            `service ${service}: ${volume.target} is that of the intercept ${intercepts[0]?.name ?? ''}, and not that of ${intercept.name}`,
          );
        }
      }
    }
    const connection = intercepts[0]?.connection;
    const sandbox = connection?.inDocker?.networkContainer ?? '';
    const labels = readLabels(connection === undefined ? [] : labelsOn(connection));
    places.set(service, { sandbox, environment, volumes: [...volumes.values()], labels });
  }
  return { places, volumes: [...made.values()].flat().map(({ volume }) => volume), notes };
}
