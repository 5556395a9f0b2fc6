import { attachments } from '#compose/attachments.ts';
import { printComposeDocument } from '#compose/print-document.ts';
import { networkName } from '#docker/ours.ts';
import type { ComposeHandler } from '#spec/handler-spec.ts';
import type { CliContext } from '../context.ts';
import { labelsOf } from '../handler/place.ts';
import type { AssignedIntercept } from './assign-services.ts';
import { namesFor } from './connection-names.ts';
import { readLabels } from './project-labels.ts';
import { copyOf, laptopOf, openProject } from './project.ts';

interface ShownIntercept extends AssignedIntercept {
  readonly workload: string;
}

/**
 * The copy that Compose would be given, as YAML, and in comments before it what is done beside it. The
 * pods' environment and volumes are known to nobody before they are intercepted.
 */
export async function composeCopy(
  context: CliContext,
  of: {
    readonly handler: ComposeHandler;
    readonly base: string;
    readonly directory: string;
    readonly intercepts: readonly ShownIntercept[];
    /** The connections of the run, and what their containers would be called. */
    readonly places: readonly {
      readonly name: string;
      readonly connection: string;
      readonly sandbox: string;
      readonly namespace: string;
    }[];
  },
): Promise<string> {
  const { handler, base, directory, intercepts, places } = of;
  const project = await openProject(context, {
    handler,
    base,
    directory,
    intercepts,
    connections: places.map(({ name }) => name),
  });
  const placeOf = (intercept: ShownIntercept | undefined): (typeof places)[number] | undefined =>
    places.find(({ name }) => name === intercept?.connection.name);
  const laptop = laptopOf(context);
  const labelsAt = (place: (typeof places)[number] | undefined): readonly string[] => {
    const connection = place?.connection ?? '';
    return labelsOf({ id: 'RUN', laptop, place: { kind: 'container', network: '', connection } });
  };
  const services = new Map(
    [...project.assigned].map(([service, [one]]) => {
      const place = placeOf(one);
      const labels = readLabels(labelsAt(place));
      return [service, { sandbox: place?.sandbox ?? '', environment: {}, volumes: [], labels }];
    }),
  );
  const first = placeOf([...project.assigned.values()].flat()[0]) ?? places[0];
  const labels = labelsAt(first);
  const used = places.filter(({ name }) => intercepts.some((one) => one.connection.name === name));
  const environment = Object.fromEntries(
    handler.environment.map(({ name, value }) => [name, value]),
  );
  const { document, handlers, notes } = copyOf(project, { places: services, environment, labels });
  const beside = [
    ...[...project.assigned].map(
      ([service, own]) =>
        `${service} gets environment and volumes of ${own.map(({ workload }) => workload).join(', ')} once intercepted`,
    ),
    ...attachments(document, handlers, networkName).map(
      ({ network, sandbox, aliases }) => `${sandbox} joins ${network} as ${aliases.join(', ')}`,
    ),
    ...handlers.flatMap(({ service, moved }) =>
      moved.ports.map(
        ({ publish }) => `port ${publish} of ${service} is published by a container beside it`,
      ),
    ),
    ...handler.ports.map((port) => `port ${String(port)} is published by a container beside it`),
    ...used.flatMap((place) => {
      const names = namesFor(place, {
        document: project.document,
        behaviors: project.behaviors,
        handlers,
        addressOf: (sandbox) => sandbox,
        gateway: 'host-gateway',
      });
      return names.mappings.map(
        ({ name, aliasFor }) => `${place.sandbox}: the name ${name} is ${aliasFor}`,
      );
    }),
    ...[...project.notes, ...notes].map((note) => `warning: ${note}`),
  ];
  const head = [`handler ${handler.name}`, ...beside].map((line) => `# ${line}\n`).join('');
  return `${head}${printComposeDocument(document)}`;
}
