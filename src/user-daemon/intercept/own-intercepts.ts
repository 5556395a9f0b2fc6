import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { intercept as interceptSchema, type Intercept } from '#protocol/resources.ts';
import type { KubeClient } from '#kube/client.ts';
import { watchResources, type ResourceWatch } from '#kube/watch.ts';
import { intercepts } from '../session/kinds.ts';
import type { InterceptTable } from './intercept-table.ts';

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly table: InterceptTable;
}

interface Options {
  /** Only Intercepts of this Connection are ours. */
  readonly connectionUid: string;
  readonly signal: AbortSignal;
}

/** Keeps the table true by watching the namespaces in which we have intercepts. */
export interface OwnIntercepts extends AsyncDisposable {
  /** Watches a namespace from now on; resolves once its Intercepts are in the table. */
  watch(namespace: string, signal: AbortSignal): Promise<void>;
  /** The Intercept with this UID as `look` wants it; undefined once it is deleted. */
  until<R extends {}>(
    namespace: string,
    uid: string,
    look: (intercept: Intercept | undefined) => R | undefined,
    signal: AbortSignal,
  ): Promise<R>;
}

/** Nothing is watched before it is asked for. */
export function watchOwnIntercepts(deps: Deps, options: Options): OwnIntercepts {
  const watches = new Map<string, ResourceWatch<Intercept>>();
  const { table } = deps;

  const watchOf = (namespace: string): ResourceWatch<Intercept> => {
    const known = watches.get(namespace);
    if (known !== undefined) return known;
    const made = watchResources(deps, {
      resource: intercepts,
      namespace,
      schema: interceptSchema,
      signal: options.signal,
      onChange: (delta) => {
        if (delta.type === 'synced') return;
        const { object } = delta;
        if (object.spec.connection.uid !== options.connectionUid) return;
        if (delta.type === 'deleted' || object.metadata.deletionTimestamp !== undefined) {
          table.remove(object.metadata.uid);
        } else table.put(object);
      },
    });
    watches.set(namespace, made);
    return made;
  };

  return {
    async watch(namespace, signal) {
      await watchOf(namespace).synced(signal);
    },
    async until(namespace, uid, look, signal) {
      return await watchOf(namespace).until((store) => {
        const found = [...store.values()].find(({ metadata }) => metadata.uid === uid);
        return look(found);
      }, signal);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        [...watches.values()].map(async (watch) => await watch[Symbol.asyncDispose]()),
      );
    },
  };
}
