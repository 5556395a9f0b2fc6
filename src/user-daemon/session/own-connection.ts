import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { DeadlineError, withDeadline } from '#base/wait.ts';
import { apiLevels, compareLevels } from '#protocol/api-levels.ts';
import {
  apiVersion,
  connection as connectionSchema,
  type Connection,
  type ConnectionSpec,
  type ConnectionStatus,
} from '#protocol/resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { watchResources, type ResourceWatch } from '#kube/watch.ts';
import { clusterFailure, UserDaemonError } from '../errors.ts';
import { connections } from './kinds.ts';
import { notInstalled, notServed, type ManagerPresence } from './manager-presence.ts';
import { objectName } from './object-name.ts';

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomInt: (below: number) => number;
  readonly log: Logger;
}

interface Options {
  readonly namespace: string;
  readonly spec: ConnectionSpec;
  /** Names the manager in failures. */
  readonly managerNamespace: string;
  /** What is known of the manager; asked while we wait for it. */
  readonly presence: Promise<ManagerPresence>;
  readonly signal: AbortSignal;
}

/** Our Connection object, watched. */
export interface OwnConnectionObject extends AsyncDisposable {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly spec: ConnectionSpec;
  readonly managerKey: string;
  /** PEM of the CA of the relay's certificate. */
  readonly managerCa: string;
  /** What the manager says of us now; undefined once the object is deleted. */
  readonly status: ConnectionStatus | undefined;
  /** Resolves with what `look` finds in the status; it sees undefined once the object is deleted. */
  until<R extends {}>(
    look: (status: ConnectionStatus | undefined) => R | undefined,
    signal: AbortSignal,
  ): Promise<R>;
  /** Resolves when somebody has deleted the object. */
  readonly deleted: Promise<void>;
  /** Deletes it. */
  delete(signal: AbortSignal): Promise<void>;
}

const readyMs = 10_000;
const notReadyMs = 4000;

/** Creates the Connection and waits until the manager has taken notice of it. */
export async function createConnection(deps: Deps, options: Options): Promise<OwnConnectionObject> {
  const created = await create(deps, options);
  const { name, namespace, uid } = created.metadata;
  const deleted = Promise.withResolvers<undefined>();
  const watch = watchResources(deps, {
    resource: connections,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    schema: connectionSchema,
    // It lives as long as the session, not as the call that began it.
    signal: new AbortController().signal,
    onChange: (delta) => {
      if (delta.type === 'deleted' && delta.object.metadata.uid === uid) deleted.resolve(undefined);
    },
  });
  const find = (): Connection | undefined =>
    [...watch.store.values()].find(({ metadata }) => metadata.uid === uid);
  const remove = async (signal: AbortSignal): Promise<void> => {
    await deps.client.delete({ resource: connections, namespace, name, uid, signal });
  };
  try {
    const manager = await untilNoticed(deps, options, watch, find);
    refuseOtherLevels(find()?.status, options.managerNamespace);
    return {
      name,
      namespace,
      uid,
      spec: created.spec,
      ...manager,
      get status() {
        return find()?.status;
      },
      until: async (look, signal) => await watch.until(() => look(find()?.status), signal),
      deleted: deleted.promise,
      delete: remove,
      [Symbol.asyncDispose]: async () => await watch[Symbol.asyncDispose](),
    };
  } catch (error) {
    await watch[Symbol.asyncDispose]();
    const ending = { ms: notReadyMs, what: 'end of the connection', signal: never() };
    await withDeadline(deps, ending, remove).catch((failure: unknown) => {
      deps.log.warning('connection not deleted', { name, reason: describe(failure) });
    });
    throw error;
  }
}

function never(): AbortSignal {
  return new AbortController().signal;
}

async function create(deps: Deps, options: Options): Promise<Connection> {
  const { namespace, spec, managerNamespace, signal } = options;
  for (;;) {
    const name = objectName(spec.client, deps.randomInt);
    try {
      return await deps.client.create({
        resource: connections,
        namespace,
        schema: connectionSchema,
        signal,
        object: { apiVersion, kind: 'Connection', metadata: { name, namespace }, spec },
      });
    } catch (error) {
      if (isKubeError(error, 'AlreadyExists')) continue;
      if (!isKubeError(error, 'NotFound')) throw clusterFailure(error, { managerNamespace });
      // The API server says the same of a namespace and of a kind that it does not know.
      if (!/namespaces? "/.test(error.message)) {
        throw notInstalled(await options.presence, managerNamespace);
      }
      throw new UserDaemonError('NamespaceNotFound', describe(error), {
        cause: error,
        facts: { namespace, context: deps.client.access.context },
      });
    }
  }
}

/** A manager that we could not talk with is named before a tunnel is opened. */
function refuseOtherLevels(status: ConnectionStatus | undefined, managerNamespace: string): void {
  const theirs = status?.apiLevels ?? { oldest: 1, newest: 1 };
  const which = compareLevels(theirs, apiLevels);
  if (which === 'fit') return;
  const managerVersion = status?.managerVersion ?? 'unknown';
  throw new UserDaemonError('ManagerIncompatible', `the manager is ${which}`, {
    facts: { managerNamespace, which, version: managerVersion },
  });
}

type ManagerIdentity = Pick<OwnConnectionObject, 'managerKey' | 'managerCa'>;

function identityIn(status: ConnectionStatus | undefined): ManagerIdentity | undefined {
  const { managerKey, managerCa } = status ?? {};
  return managerKey === undefined || managerCa === undefined
    ? undefined
    : { managerKey, managerCa };
}

async function untilNoticed(
  deps: Deps,
  options: Options,
  watch: ResourceWatch<Connection>,
  find: () => Connection | undefined,
): Promise<ManagerIdentity> {
  const { managerNamespace, signal } = options;
  const facts = { managerNamespace };
  const absent = options.presence.then((presence) => {
    if (presence.kind === 'absent') throw notInstalled(presence, managerNamespace);
    if (presence.kind === 'notServed') {
      throw notServed(presence, options.namespace, managerNamespace);
    }
  });
  const late = options.presence.then(({ kind }) => (kind === 'notReady' ? notReadyMs : readyMs));
  late.catch(() => {});
  const wait = async (ms: number): Promise<ManagerIdentity> =>
    await withDeadline(deps, { ms, what: 'traffic-manager', signal }, async (waiting) => {
      const failed = Promise.withResolvers<never>();
      watch.synced(waiting).catch(failed.reject);
      absent.catch(failed.reject);
      const said = watch.until(() => identityIn(find()?.status), waiting);
      const identity = await Promise.race([said, failed.promise]);
      // Another manager may have been the one who noticed.
      await Promise.race([absent, failed.promise]);
      return identity;
    });
  try {
    // First as long as any wait; then, where the manager could still come up, the rest of it.
    return await wait(notReadyMs).catch(async (error: unknown) => {
      if (!(error instanceof DeadlineError) || (await late) === notReadyMs) throw error;
      return await wait(readyMs - notReadyMs);
    });
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw clusterFailure(error, facts);
    const presence = await options.presence;
    if (presence.kind === 'notReady') {
      throw new UserDaemonError('ManagerNotReady', presence.why, { cause: error, facts });
    }
    throw new UserDaemonError('ManagerSilent', `no answer within ${String(readyMs / 1000)} s`, {
      cause: error,
      facts,
    });
  }
}
