import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import {
  deleteRelease,
  listReleases,
  secretName,
  writeRelease,
  type HelmRelease,
} from './helm-release.ts';

interface HistoryDeps {
  readonly client: KubeClient;
  readonly clock: Pick<Clock, 'now' | 'after'>;
}

/** What a new revision is. */
export interface RevisionOptions {
  readonly namespace: string;
  readonly name: string;
  readonly chart: {
    readonly name: string;
    readonly version: string;
    readonly appVersion: string;
    readonly description: string;
  };
  /** The chart's own values. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** What the user gave: `helm get values`. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly manifest: string;
  readonly notes?: string;
  readonly signal: AbortSignal;
}

const keptRevisions = 10;
// What has become of a revision is written down also where it was Ctrl-C: a record that stays
// pending keeps everybody out.
const lastWordMs = 5000;
// Helm itself refuses for ever; whoever was killed in the middle of it must be able to go on.
const abandonedMs = 10 * 60_000;

/**
 * Does `work` as one revision of a release: pending before, deployed or failed after, the one
 * before it superseded. `work` gets the revisions whose objects may be in the cluster, for pruning:
 * the one that is deployed, and those that failed since.
 */
export async function recordRevision<T>(
  deps: HistoryDeps,
  options: RevisionOptions,
  work: (previous: readonly HelmRelease[], last: HelmRelease | undefined) => Promise<T>,
): Promise<T> {
  const { namespace, name, signal } = options;
  const { client, clock } = deps;
  const begun = lasting(clock, signal);
  const history = await listReleases(client, { namespace, name, signal });
  const last = history.at(-1);
  refuseConcurrent(last, clock.now());
  const deployed = history.findLast(({ info }) => info.status === 'deployed');
  const now = new Date(clock.now()).toISOString();
  const upgrade = deployed !== undefined;
  const revision: HelmRelease = {
    name,
    namespace,
    version: (last?.version ?? 0) + 1,
    manifest: options.manifest,
    config: options.values,
    hooks: [],
    info: {
      status: upgrade ? 'pending-upgrade' : 'pending-install',
      first_deployed: last?.info.first_deployed || now,
      last_deployed: now,
      deleted: '',
      description: upgrade ? 'Preparing upgrade' : 'Initial install underway',
      ...(options.notes === undefined ? {} : { notes: options.notes }),
    },
    chart: {
      metadata: { ...options.chart, apiVersion: 'v2', type: 'application' },
      lock: null,
      templates: [],
      values: options.defaults,
      schema: null,
      files: null,
    },
  };
  const write = async (
    release: HelmRelease,
    status: HelmRelease['info']['status'],
    description: string,
    within = begun,
  ): Promise<void> => {
    const info = { ...release.info, status, description };
    await writeRelease(client, {
      release: { ...release, info },
      now: clock.now(),
      signal: within,
    });
  };
  signal.throwIfAborted();
  await write(revision, revision.info.status, revision.info.description);
  let result: T;
  try {
    signal.throwIfAborted();
    result = await work(
      history.filter(({ version }) => version >= (deployed?.version ?? 0)),
      last,
    );
  } catch (error) {
    const words = `${upgrade ? 'Upgrade' : 'Install'} failed: ${describe(error)}`;
    // What went wrong is worth more than that it could not be written down.
    await write(revision, 'failed', words, AbortSignal.timeout(lastWordMs)).catch(() => {});
    throw error;
  }
  if (deployed !== undefined) await write(deployed, 'superseded', deployed.info.description);
  await write(revision, 'deployed', upgrade ? 'Upgrade complete' : 'Install complete');
  for (const old of history.slice(0, Math.max(0, history.length + 1 - keptRevisions))) {
    await deleteRelease(client, old, begun);
  }
  return result;
}

/** Aborts as `signal` does, but later: what has begun may come to its end. */
function lasting(clock: Pick<Clock, 'after'>, signal: AbortSignal): AbortSignal {
  const late = new AbortController();
  const onAbort = (): void => void clock.after(lastWordMs, () => late.abort(signal.reason));
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return late.signal;
}

function refuseConcurrent(last: HelmRelease | undefined, now: number): void {
  if (last === undefined || !last.info.status.startsWith('pending-')) return;
  const age = now - Date.parse(last.info.last_deployed);
  if (!(age < abandonedMs)) return;
  throw new KubeError(
    'Conflict',
    `release ${last.namespace}/${last.name}: another operation (${last.info.status}) is in progress since ${last.info.last_deployed}; if nobody is at it any more: kubectl -n ${last.namespace} delete secret ${secretName(last)}`,
  );
}

/** Forgets a release: all its revisions, as `helm uninstall` does. */
export async function forgetReleases(
  client: KubeClient,
  options: { readonly namespace: string; readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  for (const release of await listReleases(client, options)) {
    await deleteRelease(client, release, options.signal);
  }
}
