import type { ConnectionSpec } from '#spec/connection-spec.ts';
import type { HandlerSpec } from '#spec/handler-spec.ts';
import type { InterceptSpec, Specification } from '#spec/specification.ts';
import { CliError } from '../errors.ts';
import { parseDockerWords } from '../handler/docker-words.ts';
import { everyVersions } from '../handler/run-options.ts';
import { containerMount } from './container-mount.ts';
import { readRunWords, runWords } from './handlers/container/run-words.ts';

/** What one run does, in its order; it is taken back in the opposite one. */
export interface RunPlan {
  readonly name: string;
  readonly connections: readonly ConnectionSpec[];
  readonly place: DaemonWish;
  /** Each to its end before the next; their deletes in the opposite order. */
  readonly prerequisites: readonly PlannedPrerequisite[];
  readonly intercepts: readonly PlannedIntercept[];
  /** Those that serve an intercept, and no other. */
  readonly handlers: readonly PlannedHandler[];
}

/** Where the daemons have to run; `either`: no handler cares. */
export type DaemonWish = 'container' | 'laptop' | 'either';

/** What is run before, and what undoes it. */
export interface PlannedPrerequisite {
  readonly create: HandlerSpec;
  readonly delete: HandlerSpec | undefined;
}

/** An intercept that is not disabled. */
export interface PlannedIntercept {
  readonly spec: InterceptSpec;
  readonly workload: string;
  /** Undefined: the connection's. */
  readonly namespace: string | undefined;
  /** Undefined: there is only one, without a name. */
  readonly connection: string | undefined;
}

/** A handler, and what it answers for. */
export interface PlannedHandler {
  readonly handler: HandlerSpec;
  readonly intercepts: readonly PlannedIntercept[];
}

/** Says what is to be done; throws what cannot be, before anything is. */
export function planRun(specification: Specification): RunPlan {
  const { name, connections } = specification;
  const intercepts = specification.workloads.flatMap(plannedIntercepts);
  if (intercepts.length === 0) {
    throw new CliError(
      'Usage',
      `${name}: every intercept is disabled, so there is nothing to run`,
      {
        hint: 'leave out enabled: false of one',
      },
    );
  }
  const byName = new Map(specification.handlers.map((handler) => [handler.name, handler]));
  const handlers = specification.handlers
    .map((handler) => ({
      handler,
      intercepts: intercepts.filter(({ spec }) => spec.handler === handler.name),
    }))
    .filter((one) => one.intercepts.length > 0);
  for (const one of handlers) {
    refuseSeveralConnections(one);
    refuseSeveralRoots(one);
  }
  for (const { spec } of intercepts) refuseMountPoint(spec);
  const prerequisites = specification.prerequisites.flatMap((one) => {
    const create = byName.get(one.create);
    return create === undefined ? [] : [{ create, delete: byName.get(one.delete ?? '') }];
  });
  // A script or a container runs anywhere; services of Compose join the network of a container.
  const around = prerequisites.flatMap((one) =>
    one.delete === undefined ? [one.create] : [one.create, one.delete],
  );
  const joining = around.filter(({ kind }) => kind === 'compose');
  const serving = handlers.map(({ handler }) => handler);
  for (const handler of [...serving, ...around]) refuseOptions(handler);
  const place = placeOf([...serving, ...joining], connections.length);
  refuseOnePortTwice(intercepts, byName);
  if (place === 'laptop') refuseSandbox(connections, 'make the handlers docker handlers');
  return { name, connections, place, prerequisites, intercepts, handlers };
}

function plannedIntercepts({
  name: workload,
  namespace,
  connection,
  intercepts,
}: Specification['workloads'][number]): readonly PlannedIntercept[] {
  return intercepts
    .filter(({ enabled }) => enabled)
    .map((spec) => ({ spec, workload, namespace, connection }));
}

/** Where the daemon has to run for a handler of each kind. */
export function placeFor(handler: HandlerSpec): DaemonWish {
  if (handler.kind === 'external') return handler.isDocker ? 'container' : 'laptop';
  return places[handler.kind];
}

const places = {
  container: 'container',
  compose: 'container',
  script: 'laptop',
  none: 'either',
} as const;

function placeOf(handlers: readonly HandlerSpec[], connections: number): DaemonWish {
  const wants = (place: DaemonWish): HandlerSpec | undefined =>
    handlers.find((handler) => placeFor(handler) === place);
  const [inContainer, onLaptop] = [wants('container'), wants('laptop')];
  if (onLaptop !== undefined && connections > 1) {
    throw new CliError(
      'Usage',
      `handler ${onLaptop.name} runs on this machine itself, which can have one connection only, and there are ${String(connections)}`,
      { hint: 'make it a docker handler, or write one specification for each connection' },
    );
  }
  if (onLaptop !== undefined && inContainer !== undefined) {
    throw new CliError(
      'Usage',
      `handler ${inContainer.name} runs in a container, and ${onLaptop.name} on this machine itself: one connection serves one of the two`,
      { hint: 'make both docker handlers, or write a specification for each' },
    );
  }
  if (connections > 1 || inContainer !== undefined) return 'container';
  return onLaptop === undefined ? 'either' : 'laptop';
}

/** A container is in one network; a Compose project may be in several. */
function refuseSeveralConnections({ handler, intercepts }: PlannedHandler): void {
  if (handler.kind === 'compose') return;
  const connections = [...new Set(intercepts.map(({ connection }) => connection))];
  if (connections.length < 2) return;
  throw new CliError(
    'Usage',
    `handler ${handler.name} serves intercepts of the connections ${connections.join(' and ')}, and it can be in the network of one only`,
    { hint: 'write a handler of another name for each of them' },
  );
}

/** A container has one directory below which the pods' files are, and one `TELEPRESENCE_ROOT` that says so. */
function refuseSeveralRoots({ handler, intercepts }: PlannedHandler): void {
  if (handler.kind !== 'container') return;
  const roots = new Map<string, string>();
  for (const { spec } of intercepts) {
    const mount = containerMount(spec);
    if (mount !== undefined) roots.set(mount.path === '' ? '/' : mount.path, spec.name);
  }
  const [[root, name] = [], [other, otherName] = []] = [...roots];
  if (root === undefined || other === undefined) return;
  throw new CliError(
    'Usage',
    `handler ${handler.name} has its files of the intercept ${name ?? ''} below ${root}, and of ${otherName ?? ''} below ${other}: in one container they are below one directory`,
    { hint: 'write the same mountPoint for both, or false for one of them' },
  );
}

/** What of a connection is of a container's alone. */
export function refuseSandbox(connections: readonly ConnectionSpec[], instead: string): void {
  for (const { expose, hostname } of connections) {
    if (expose.length === 0 && hostname === undefined) continue;
    const field = expose.length > 0 ? 'expose' : 'hostname';
    throw new CliError('Usage', `connection.${field} is of a daemon in a container`, {
      hint: `leave it out, or ${instead}`,
    });
  }
}

function refuseMountPoint(spec: InterceptSpec): void {
  try {
    containerMount(spec);
  } catch (cause) {
    throw new CliError(
      'Usage',
      `intercept ${spec.name}: its mountPoint "${String(spec.mountPoint)}" is no directory`,
      { cause, hint: 'write true, false, or the path of an empty directory, and :ro behind it' },
    );
  }
}

/** Flags that no version of Docker lets a handler have; of those that only some know, the installed one decides. */
function refuseOptions(handler: HandlerSpec): void {
  if (handler.kind !== 'container') return;
  try {
    parseDockerWords(runWords(handler), everyVersions);
  } catch {
    return;
  }
  readRunWords(handler, everyVersions);
}

/** All handlers of a connection share a network. */
function refuseOnePortTwice(
  intercepts: readonly PlannedIntercept[],
  handlers: ReadonlyMap<string, HandlerSpec>,
): void {
  const seen = new Map<string, PlannedIntercept>();
  for (const one of intercepts) {
    const { localPort, localAddress, handler, name } = one.spec;
    // Nobody listens there, whichever it is.
    if (localPort === undefined && handlers.get(handler)?.kind === 'none') continue;
    const key = JSON.stringify([one.connection, localAddress, localPort]);
    const other = seen.get(key);
    seen.set(key, one);
    if (other === undefined || other.spec.handler === handler) continue;
    throw new CliError(
      'Usage',
      `intercepts ${other.spec.name} and ${name} go to one port, ${localPort === undefined ? 'the usual one' : `${localAddress}:${String(localPort)}`}, and have two handlers, ${other.spec.handler} and ${handler}`,
      { hint: 'give one of them another localPort, where its handler listens' },
    );
  }
}
