import type { Clock } from '#base/clock.ts';
import { describe, toError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { DeadlineError, withDeadline } from '#base/wait.ts';
import { modesLevel } from '#protocol/api-levels.ts';
import { modeOf } from '#protocol/intercept-mode.ts';
import { apiVersion, intercept as interceptSchema, type Intercept } from '#protocol/resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { clusterFailure, UserDaemonError } from '../errors.ts';
import { intercepts } from '../session/kinds.ts';
import { objectName } from '../session/object-name.ts';
import type { OwnConnection, WantedIntercept } from './intercept-request.ts';
import { laptopTargets } from './laptop-targets.ts';
import type { InterceptTable, LocalPort } from './intercept-table.ts';
import type { OwnIntercepts } from './own-intercepts.ts';

/** What making and ending intercepts needs. */
export interface InterceptDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomInt: (below: number) => number;
  readonly table: InterceptTable;
  readonly own: OwnIntercepts;
  readonly connection: OwnConnection;
  /** How long an intercept may take to become active. */
  readonly activeMs?: number;
  /** Throws where the user lacks a right that an intercept in this namespace needs. */
  readonly mayIntercept: (namespace: string, signal: AbortSignal) => Promise<void>;
}

/** Says what is waited for; a warning where it will most likely not come by waiting. */
export type Report = (text: string, kind?: 'progress' | 'warning') => void;

const usualActiveMs = 30_000;
/** Pods that end may take as long as their container is given, and there may be several. */
const usualReplacedMs = 120_000;
const cleanUpMs = 5000;
/** Reasons of a waiting Intercept that want somebody's hand. */
const troubles: ReadonlySet<string> = new Set(['AgentUnreachable', 'AgentMissing', 'NoPods']);

/**
 * Creates the Intercept and waits until it is active; the one that it takes over from, under the
 * same name, is deleted then. When that fails or `signal` aborts, nothing of it is left.
 */
export async function createIntercept(
  deps: InterceptDeps,
  wanted: WantedIntercept,
  options: Waiting,
): Promise<Intercept> {
  const { table, own } = deps;
  const { signal } = options;
  const { namespace } = wanted;
  const before = table.byName(wanted.spec.name);
  refuseOtherMode(wanted, before);
  refuseOlderManager(deps, wanted);
  const prepared = async (): Promise<void> => {
    await deps.mayIntercept(namespace, signal);
    await own.watch(namespace, signal);
  };
  await prepared().catch((error: unknown) => {
    throw clusterFailure(error);
  });
  const created = await create(deps, wanted, before, signal);
  try {
    mustReplace(wanted, created);
    const active = await untilActive(deps, created, options);
    if (before !== undefined) await deleteIntercept(deps, before);
    return active;
  } catch (error) {
    // What went wrong first is what the user has to know; the log has the other.
    await deleteIntercept(deps, created).catch(() => {});
    throw error;
  }
}

interface Waiting {
  readonly report: Report;
  /** Throws where a port of the laptop cannot serve it. */
  readonly check: (targets: readonly LocalPort[]) => void;
  readonly signal: AbortSignal;
}

/** What the cluster does not know it leaves out: an intercept would be made that is not what was asked for. */
function mustReplace({ spec }: WantedIntercept, created: Intercept): void {
  if (spec.replaceContainer === created.spec.replaceContainer) return;
  throw cannotReplace();
}

function cannotReplace(cause?: unknown): UserDaemonError {
  return new UserDaemonError(
    'InterceptFailed',
    'the traffic-manager is older than this telepresence, and cannot replace containers',
    { cause, facts: { hint: 'upgrade it: telepresence helm upgrade' } },
  );
}

/** Making it again replaces it, and what was a wiretap never becomes an intercept by that. */
function refuseOtherMode({ spec }: WantedIntercept, before: Intercept | undefined): void {
  if (before === undefined || modeOf(before.spec) === modeOf(spec)) return;
  const what = { intercept: 'an intercept', wiretap: 'a wiretap', ingest: 'an ingest' };
  const { name } = spec;
  const message = `${name} is the name of ${what[modeOf(before.spec)]} of yours`;
  throw new UserDaemonError('InterceptFailed', message, {
    facts: {
      name,
      hint: `end that first: telepresence leave ${name}${modeOf(spec) === 'ingest' ? '' : ', or choose another name, with --workload'}`,
    },
  });
}

/** One that does not know of modes would take the traffic. */
function refuseOlderManager({ connection }: InterceptDeps, { spec }: WantedIntercept): void {
  const mode = modeOf(spec);
  const { apiLevels, managerVersion = 'unknown' } = connection.status ?? {};
  if (mode === 'intercept' || (apiLevels?.newest ?? 1) >= modesLevel) return;
  throw new UserDaemonError(
    'InterceptFailed',
    `the traffic-manager is v${managerVersion}, which knows no ${mode} yet`,
    { facts: { name: spec.name, hint: 'upgrade it: telepresence helm upgrade' } },
  );
}

async function create(
  deps: InterceptDeps,
  wanted: WantedIntercept,
  before: Intercept | undefined,
  signal: AbortSignal,
): Promise<Intercept> {
  const { connection } = deps;
  const { namespace } = wanted;
  const replaces =
    before?.metadata.namespace === namespace ? { replaces: before.metadata.name } : {};
  // Across namespaces the garbage collector would delete the object within seconds.
  const owner =
    connection.namespace === namespace
      ? {
          ownerReferences: [
            {
              apiVersion,
              kind: 'Connection',
              name: connection.name,
              uid: connection.uid,
              blockOwnerDeletion: false,
            },
          ],
        }
      : {};
  for (;;) {
    try {
      const made = await deps.client.create({
        resource: intercepts,
        namespace,
        schema: interceptSchema,
        // A cluster that does not know a field must not leave it out silently.
        strict: true,
        signal,
        object: {
          apiVersion,
          kind: 'Intercept',
          metadata: { name: objectName(wanted.spec.name, deps.randomInt), namespace, ...owner },
          spec: { ...wanted.spec, ...replaces },
        },
      });
      // Connections may arrive before the watch tells of the object; or it has told more already.
      if (deps.table.byUid(made.metadata.uid) === undefined) deps.table.put(made);
      return made;
    } catch (error) {
      if (isKubeError(error, 'AlreadyExists')) continue;
      // One that demands a single port.
      if (isKubeError(error, 'Invalid') && wanted.spec.containerPorts !== undefined) {
        throw cannotReplace(error);
      }
      if (isKubeError(error, 'NotFound')) {
        throw new UserDaemonError('NamespaceNotFound', describe(error), {
          cause: error,
          facts: { namespace, context: deps.client.access.context },
        });
      }
      throw clusterFailure(error);
    }
  }
}

async function untilActive(
  deps: InterceptDeps,
  created: Intercept,
  options: Waiting,
): Promise<Intercept> {
  const { uid, namespace } = created.metadata;
  const isReplaced = created.spec.replaceContainer === true;
  const { activeMs = isReplaced ? usualReplacedMs : usualActiveMs } = deps;
  let seen = false;
  let last = '';
  const look = (intercept: Intercept | undefined): Intercept | Error | undefined => {
    if (intercept === undefined) {
      // It was there, or it is not yet in the watch.
      return seen ? gone(created) : undefined;
    }
    seen = true;
    const { ports, protocol } = intercept.status;
    try {
      // It may turn out to be other ports than it looked like.
      if (ports !== undefined || protocol !== undefined) options.check(laptopTargets(intercept));
    } catch (error) {
      return toError(error);
    }
    const { state, message = '', reason = '' } = intercept.status;
    if (state === 'Active') return intercept;
    if (state === 'Error') {
      return new UserDaemonError('InterceptFailed', message === '' ? reason : message, {
        facts: { reason, name: created.spec.name },
      });
    }
    if (message !== last) {
      last = message;
      options.report(message, troubles.has(reason) ? 'warning' : 'progress');
    }
    return undefined;
  };
  try {
    const found = await withDeadline(
      deps,
      { ms: activeMs, what: `intercept ${created.spec.name}`, signal: options.signal },
      async (signal) => await deps.own.until(namespace, uid, look, signal),
    );
    if (found instanceof Error) throw found;
    return found;
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    const why = last === '' ? 'the traffic-manager says nothing of it' : last;
    throw new UserDaemonError('InterceptTimeout', `${why} (waited ${String(activeMs / 1000)} s)`, {
      cause: error,
      facts: { mode: modeOf(created.spec) },
    });
  }
}

function gone({ spec }: Intercept): UserDaemonError {
  return new UserDaemonError('InterceptGone', `intercept ${spec.name} was deleted`, {
    facts: { name: spec.name, mode: modeOf(spec) },
  });
}

/** Deletes the object; resolves when the watch has seen its end. Does not fail where it is gone. */
export async function deleteIntercept(
  deps: Pick<InterceptDeps, 'client' | 'clock' | 'table' | 'own' | 'log'>,
  { metadata }: Intercept,
): Promise<void> {
  const { namespace, name, uid } = metadata;
  try {
    await withDeadline(
      deps,
      // Whoever asked may be gone by now: this has a deadline of its own.
      { ms: cleanUpMs, what: `end of intercept ${name}`, signal: new AbortController().signal },
      async (signal) => {
        await deps.client.delete({ resource: intercepts, namespace, name, uid, signal });
        const gone = (found: Intercept | undefined): true | undefined =>
          found === undefined ? true : undefined;
        await deps.own.until(namespace, uid, gone, signal);
      },
    );
  } catch (error) {
    deps.log.warning('intercept not deleted', { name, reason: describe(error) });
    throw clusterFailure(error);
  } finally {
    deps.table.remove(uid);
  }
}
