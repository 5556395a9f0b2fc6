import { mkdir } from 'node:fs/promises';
import type { ComposeHandler } from '#spec/handler-spec.ts';
import { CliError } from '../errors.ts';
import { planVolumes, type VolumePlan } from '../handler/volumes/plan-volumes.ts';
import { docked } from '../docker/docker-failure.ts';
import { parseMount, type MountAsked } from '../parse/mount.ts';
import type {
  HandlerContext,
  HandlerKind,
  IntendedIntercept,
  ReadyHandler,
  RunConnection,
} from '../specification/handlers/handler-kind.ts';
import { attachments } from '#compose/attachments.ts';
import { networkName } from '#docker/ours.ts';
import { refuseEarlierNetworks } from './network-order.ts';
import { claimProject } from './claim-project.ts';
import { freeProject } from './free-project.ts';
import { projectLabels } from './project-labels.ts';
import { copyOf, laptopOf, openProject } from './project.ts';
import { startProject } from './start-project.ts';

/** Services of a Compose project as handlers. */
export const composeKind: HandlerKind<ComposeHandler> = {
  async prepare(handler, context): Promise<ReadyHandler> {
    const { cli, directory: base, intercepts, connections, traces } = context;
    refuseHostDaemon(context);
    await mkdir(traces.directory, { recursive: true, mode: 0o700 });
    const project = await openProject(cli, {
      handler,
      base,
      directory: traces.directory,
      intercepts,
      connections: connections.map(({ name }) => name),
    });
    refuseUnplacedPorts(handler, context);
    const { compose, assigned, document } = project;
    const { docker } = compose;
    const laptop = laptopOf(cli);
    const labelsOn = (connection: RunConnection): readonly string[] =>
      projectLabels({ id: traces.id, laptop }, connection);
    // What is in no connection's network ends with the first that is used.
    const first = [...assigned.values()].flat()[0]?.connection ?? connections[0] ?? needsDocker();
    const labels = labelsOn(first);
    // What a rule refuses is refused before anything is intercepted.
    const places = new Map(
      [...assigned].map(([service, own]) => {
        const sandbox = own[0]?.connection.inDocker?.networkContainer ?? '';
        return [service, { sandbox, environment: {}, volumes: [] }] as const;
      }),
    );
    const {
      document: copy,
      handlers,
      notes,
    } = copyOf(project, { places, environment: {}, labels });
    const { signal } = cli;
    if (!project.ordersNetworks) {
      const joined = attachments(copy, handlers, networkName);
      await docked(async () => await refuseEarlierNetworks(docker, joined, signal));
    }
    const free = { project: document.name, laptop, id: traces.id, signal };
    await docked(async () => await freeProject({ docker }, free));
    const plans = await volumePlans(context, docker);
    for (const note of [...project.notes, ...notes]) context.output.err(`warning: ${note}`);
    const undo = new AsyncDisposableStack();
    undo.use(claimProject(traces.usedProjects, document.name));
    return {
      mountOf: (intercept) => {
        const plan = plans.get(keyOf(intercept));
        return plan && { path: '', readOnly: plan.readOnly, serveOn: plan.serveOn };
      },
      start: async (served) =>
        await startProject(context, undo, {
          handler,
          project,
          labels,
          labelsOn,
          laptop,
          served,
          told: notes,
          planOf: (intercept) => plans.get(keyOf(intercept)),
        }),
      [Symbol.asyncDispose]: async () => await undo.disposeAsync(),
    };
  },
};

/** Of all that this handler is for. */
const keyOf = ({ name, connection }: IntendedIntercept): string => `${connection.name}/${name}`;

async function volumePlans(
  { cli, intercepts }: HandlerContext,
  docker: Parameters<typeof planVolumes>[1]['docker'],
): Promise<ReadonlyMap<string, VolumePlan>> {
  const plans = new Map<string, VolumePlan>();
  for (const intercept of intercepts) {
    const { inDocker } = intercept.connection;
    const asked = mountAsked(intercept);
    if (inDocker === undefined || asked === undefined) continue;
    const root = asked.path === '' ? '/' : asked.path;
    const wanted = { readOnly: asked.readOnly, root };
    const plan = await docked(async () => await planVolumes(cli, { docker, inDocker }, wanted));
    plans.set(keyOf(intercept), plan);
  }
  return plans;
}

/** A path is one of the container. */
function mountAsked({ mountPoint = true }: IntendedIntercept): MountAsked | undefined {
  return parseMount(String(mountPoint), '/');
}

function refuseHostDaemon({ connections, intercepts }: HandlerContext): void {
  const used = [...connections.slice(0, 1), ...intercepts.map(({ connection }) => connection)];
  if (used.some(({ inDocker }) => inDocker === undefined)) needsDocker();
}

function needsDocker(): never {
  throw new CliError(
    'Failed',
    'services of Compose join the network of a daemon in a container, and the daemon runs on this machine',
    { hint: 'end that connection, and run this again: telepresence quit' },
  );
}

/** `ports` beside a project of several networks do not say whose they are. */
function refuseUnplacedPorts({ ports }: ComposeHandler, { intercepts }: HandlerContext): void {
  const networks = new Set(intercepts.map(({ connection }) => connection.name));
  if (ports.length === 0 || networks.size === 1) return;
  throw new CliError(
    'Failed',
    networks.size === 0
      ? 'docker.ports are those of services that handle intercepts, and this handler has none'
      : `docker.ports do not say which of the connections ${[...networks].join(', ')} they are of`,
    { hint: 'leave them out, and say ports in the Compose services' },
  );
}
