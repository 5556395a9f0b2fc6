import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import { modesLevel } from '#protocol/api-levels.ts';
import { modeOf } from '#protocol/intercept-mode.ts';
import { apiVersion, intercept as interceptSchema, type Intercept } from '#protocol/resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { clusterFailure, UserDaemonError } from '../errors.ts';
import { intercepts } from '../session/kinds.ts';
import { objectName } from '../session/object-name.ts';
import type { OwnConnection, WantedIntercept } from './intercept-request.ts';
import type { InterceptTable } from './intercept-table.ts';
import type { OwnIntercepts } from './own-intercepts.ts';
import { untilActive, type Waiting } from './until-active.ts';

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

const cleanUpMs = 5000;
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
