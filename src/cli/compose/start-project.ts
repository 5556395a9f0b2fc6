import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attachments } from '#compose/attachments.ts';
import { profilesOf } from '#compose/attachments.ts';
import { longestStopMs } from '#compose/longest-stop.ts';
import { printComposeDocument } from '#compose/print-document.ts';
import type { Rewritten } from '#compose/rewrite.ts';
import { declaresWatch } from '#compose/watched.ts';
import { networkName } from '#docker/ours.ts';
import type { ComposeHandler } from '#spec/handler-spec.ts';
import { docked } from '../docker/docker-failure.ts';
import { CliError } from '../errors.ts';
import { placeOf } from '../handler/place.ts';
import { publishPorts } from '../handler/publish-ports.ts';
import type { VolumePlan } from '../handler/volumes/plan-volumes.ts';
import type {
  HandlerContext,
  IntendedIntercept,
  RunConnection,
  RunningHandler,
  ServedIntercept,
} from '../specification/handlers/handler-kind.ts';
import { attachNetworks } from './attach-networks.ts';
import { namesFor } from './connection-names.ts';
import { createServices } from './create-services.ts';
import { freeProject } from './free-project.ts';
import { holdNames } from './hold-names.ts';
import { copyOf, type Project } from './project.ts';
import { removePorts, removeProject, removeVolumes } from './remove-project.ts';
import { runProject } from './run-project.ts';
import { hostGateway, sandboxAddress } from './sandbox-facts.ts';
import { servedPlaces } from './served-places.ts';
import { upWords } from './up-words.ts';

/** What a project is started with. */
export interface ProjectStart {
  readonly handler: ComposeHandler;
  readonly project: Project<IntendedIntercept>;
  /** `NAME=VALUE` */
  readonly labels: readonly string[];
  readonly labelsOn: (connection: RunConnection) => readonly string[];
  readonly laptop: string;
  readonly served: readonly ServedIntercept[];
  /** What the user was told already. */
  readonly told: readonly string[];
  readonly planOf: (intercept: IntendedIntercept) => VolumePlan | undefined;
}

/** Makes the copy, all that it needs beside it, and runs it; `undo` takes all back. */
export async function startProject(
  context: HandlerContext,
  undo: AsyncDisposableStack,
  start: ProjectStart,
): Promise<RunningHandler> {
  const { cli, output, traces } = context;
  const { handler, project, labels, labelsOn, laptop, served, planOf } = start;
  const { compose, document, ordersNetworks } = project;
  const { docker } = compose;
  const assigned = new Map(
    [...project.assigned].map(([service, own]) => [
      service,
      own.map((one) => activeOne(one, served)),
    ]),
  );
  undo.defer(async () => await removeVolumes(context, docker, made));
  let made: readonly string[] = [];
  const { places, volumes, notes } = await servedPlaces(
    cli,
    { docker },
    { assigned, planOf, labelsOn, used: traces.usedVolumes },
  );
  made = volumes;
  const { environment } = context;
  const rewritten = copyOf(project, { places, environment, labels });
  const told = new Set(start.told);
  for (const note of [...notes, ...rewritten.notes]) {
    if (!told.has(note)) output.err(`warning: ${note}`);
  }
  await holdAllNames(context, undo, { start, rewritten });
  const file = join(traces.directory, 'compose.yaml');
  await writeFile(file, printComposeDocument(rewritten.document), { mode: 0o600 });
  undo.defer(async () => await rm(file, { force: true }));
  const profiles = profilesOf(rewritten.document).map((profile) => `--profile=${profile}`);
  const global = [
    ...project.running,
    ...profiles,
    `--project-name=${document.name}`,
    `--project-directory=${project.directory}`,
    `--file=${file}`,
  ];
  const cwd = project.directory;
  const { journal } = context;
  const deps = { compose, journal, output };
  const up = upWords(handler.args);
  // Since the first look intercepts were made, which takes its time.
  const { signal } = cli;
  const id = traces.id;
  await docked(
    async () => await freeProject({ docker }, { project: document.name, laptop, id, signal }),
  );
  undo.defer(async () => await removeProject(context, docker, document.name));
  const words = [...global, 'up', '--no-start', ...up.create];
  await createServices(context, { deps, project: document.name, words, cwd });
  const joined = attachments(rewritten.document, rewritten.handlers, networkName);
  const attaching = { docker, ordersNetworks, journal, output, traces };
  await docked(async () => await attachNetworks(attaching, undo, joined, signal));
  await publishAll(context, undo, { start, rewritten });
  return runProject(context, undo, {
    deps,
    project: document.name,
    words: { global, up: up.run, grace: handler.stopGraceSeconds },
    stopMs: longestStopMs(rewritten.document, handler.stopGraceSeconds),
    cwd,
    handlers: rewritten.handlers.map(({ service }) => service),
    services: Object.keys(rewritten.document.services),
    watches: declaresWatch(rewritten.document),
  });
}

function activeOne(
  { name, connection }: IntendedIntercept,
  served: readonly ServedIntercept[],
): ServedIntercept {
  const found = served.find((one) => one.name === name && one.connection.name === connection.name);
  if (found !== undefined) return found;
  throw new CliError('Failed', `the intercept ${name} is not active`);
}

/** The connections in whose networks services are. */
function connectionsOf({ served }: ProjectStart): readonly RunConnection[] {
  const byName = new Map(served.map(({ connection }) => [connection.name, connection]));
  return [...byName.values()];
}

async function holdAllNames(
  { cli }: HandlerContext,
  undo: AsyncDisposableStack,
  of: { readonly start: ProjectStart; readonly rewritten: Rewritten },
): Promise<void> {
  const { start, rewritten } = of;
  const { handlers } = rewritten;
  const { document, behaviors, compose } = start.project;
  const { docker } = compose;
  const { signal } = cli;
  const connections = connectionsOf(start);
  const addresses = new Map<string, string>();
  for (const { inDocker } of connections) {
    const sandbox = inDocker?.networkContainer ?? '';
    addresses.set(sandbox, await docked(async () => await sandboxAddress(docker, sandbox, signal)));
  }
  const wantsGateway = handlers.some(({ moved }) =>
    moved.hosts.some(([, address]) => address === 'host-gateway'),
  );
  const gateway = wantsGateway ? await hostGateway(docker, signal) : undefined;
  for (const { name, inDocker, daemon, namespace } of connections) {
    const sandbox = inDocker?.networkContainer ?? '';
    // What is said of a service without a namespace is meant where its intercept is.
    const own = start.served.find(({ connection }) => connection.name === name);
    const connection = { name, sandbox, namespace: own?.namespace ?? namespace };
    const addressOf = (other: string): string => addresses.get(other) ?? '127.0.0.1';
    const names = namesFor(connection, { document, behaviors, handlers, addressOf, gateway });
    undo.use(await holdNames(daemon, names, signal));
  }
}

async function publishAll(
  context: HandlerContext,
  undo: AsyncDisposableStack,
  of: { readonly start: ProjectStart; readonly rewritten: Rewritten },
): Promise<void> {
  const { cli, traces } = context;
  const { start, rewritten } = of;
  const { project, labelsOn, laptop, handler } = start;
  const { docker } = project.compose;
  const { signal } = cli;
  const connections = connectionsOf(start);
  for (const one of connections) {
    const { name: connection, inDocker } = one;
    if (inDocker === undefined) continue;
    const place = placeOf(inDocker);
    const own = rewritten.handlers.filter(({ sandbox }) => sandbox === place.network);
    const published = new Set([
      ...own.flatMap(({ moved }) => moved.ports.map(({ publish }) => publish)),
      ...handler.ports.map((port) => `${String(port)}:${String(port)}/tcp`),
    ]);
    if (published.size === 0) continue;
    const beside = connections.length > 1 ? `-${connection}` : '';
    const name = `${project.document.name}-handlers${beside}`;
    undo.defer(async () => await removePorts(context, docker, `${name}-ports`));
    const said = 'the ports of the services';
    const { id } = traces;
    const labels = labelsOn(one);
    const wanted = { id, published: [...published], place, labels, laptop, name, said, signal };
    await docked(async () => await publishPorts({ docker }, wanted));
  }
}
