import { addressesLeftOut } from './attachments.ts';
import { servicesThatAre, type Behaviors } from './behaviors.ts';
import { replaceDefaultNetwork } from './default-network.ts';
import { defaultNetwork, mapServices, without, type ComposeDocument } from './document.ts';
import { ComposeError } from './errors.ts';
import { joinSandbox, type MovedKeys } from './join-sandbox.ts';
import { labelProject } from './label-project.ts';
import { mergeEnvironment } from './merge-environment.ts';
import { renameNetworks } from './network-names.ts';
import { refuseSamePort } from './published.ts';
import { reachHandlers, type CalledHandler } from './reach-handlers.ts';
import { remotesUnknown } from './remotes-unknown.ts';
import { removeRemote } from './remove-remote.ts';
import { replaceVolumes, type PodVolume } from './replace-volumes.ts';
import { withDevelop } from './watched.ts';

/** What a service becomes part of when it handles intercepts. */
export interface HandlerPlace {
  /** The container whose network it joins. */
  readonly sandbox: string;
  /** Of the pods that it stands in for. */
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly PodVolume[];
  /** Over those of the run. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What is known of the run. */
export interface RewriteFacts {
  readonly behaviors: Behaviors;
  /** Of each service that handles intercepts. */
  readonly places: ReadonlyMap<string, HandlerPlace>;
  /** What the specification says of the handler. */
  readonly environment: Readonly<Record<string, string>>;
  /** The network that the daemons' containers are in. */
  readonly network: string;
  /** Whether Docker can be told which network of a container is the first. */
  readonly ordersNetworks: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** A copy that Compose can run, and what is to be done beside it. */
export interface Rewritten {
  readonly document: ComposeDocument;
  readonly handlers: readonly RewrittenHandler[];
  /** What is not quite as it was written, a sentence each. */
  readonly notes: readonly string[];
}

/** A service that handles intercepts, and what it had of its own. */
export interface RewrittenHandler extends CalledHandler {
  readonly moved: MovedKeys;
}

/** Each rule in turn; the same again changes nothing more. */
export function rewrite(original: ComposeDocument, facts: RewriteFacts): Rewritten {
  const { behaviors, places, network, labels } = facts;
  const remote = new Set(servicesThatAre(original, behaviors, 'remote'));
  const left = removeRemote(withDevelop(original), remote);
  const replaced = replaceDefaultNetwork(left.document, network);
  const notes = [...left.notes, ...remotesUnknown(original, behaviors), ...replaced.notes];
  let { document } = replaced;
  const handlers: RewrittenHandler[] = [];
  for (const service of servicesThatAre(document, behaviors, 'interceptHandler')) {
    const before = document.services[service];
    const place = places.get(service);
    if (before === undefined || place === undefined) throw noPlace(service);
    const joined = joinSandbox(before, { name: service, sandbox: place.sandbox });
    const merged = mergeEnvironment(joined.service, {
      pod: place.environment,
      handler: facts.environment,
    });
    const services = { ...document.services, [service]: merged };
    const mounted = replaceVolumes({ ...document, services }, { service, volumes: place.volumes });
    ({ document } = mounted);
    notes.push(...joined.notes, ...mounted.notes);
    const inDefault =
      before.networks !== undefined && Object.hasOwn(before.networks, defaultNetwork);
    const { moved } = joined;
    handlers.push({ service, sandbox: place.sandbox, names: moved.names, inDefault, moved });
  }
  refuseSamePort(
    handlers.map(({ service, sandbox, moved }) => ({
      service,
      sandbox,
      targets: moved.ports.map(({ target }) => target),
    })),
  );
  notes.push(...addressesLeftOut(handlers));
  const joined = new Set(handlers.flatMap(({ moved }) => moved.networks.map(({ key }) => key)));
  const renamed = facts.ordersNetworks
    ? { document, notes: [] }
    : renameNetworks(document, { joined, network });
  notes.push(...renamed.notes);
  const reached = reachHandlers(renamed.document, handlers);
  const said = mapServices(reached, (service) =>
    service['x-telepresence'] === undefined ? service : without(service, 'x-telepresence'),
  );
  const own = new Map(handlers.map(({ service }) => [service, places.get(service)?.labels ?? {}]));
  return { document: labelProject(said, labels, own), handlers, notes };
}

function noPlace(service: string): ComposeError {
  return new ComposeError(
    'NotPossible',
    `service ${service} is an interceptHandler, and no intercept is for it`,
    {
      hint: 'make it local, or name one of the intercepts of this handler in it',
    },
  );
}
