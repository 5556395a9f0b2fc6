import { describe } from '#base/errors.ts';
import { isKubeError } from '#kube/errors.ts';
import type { ObjectSchema } from '#kube/objects.ts';
import type { Resource } from '#kube/resource.ts';
import { watchResources, type Delta, type ResourceWatch } from '#kube/watch.ts';

interface WatchOptions<T> {
  readonly resource: Resource;
  readonly schema: ObjectSchema<T>;
  readonly onChange: (delta: Delta<T>) => void;
  readonly signal: AbortSignal;
}

/**
 * One kind in some namespaces only, as one watch: a namespaced manager has no right to see others.
 * Namespaces themselves are watched by name. One that is gone, and its Role with it, does not blind
 * the manager to the rest.
 */
export function watchInNamespaces<T>(
  deps: Parameters<typeof watchResources>[0],
  options: WatchOptions<T> & { readonly namespaces: readonly string[] },
): ResourceWatch<T> {
  const { resource, schema, signal, namespaces } = options;
  const store = new Map<string, T>();
  const listeners = new Set<() => void>();
  const onChange = (delta: Delta<T>): void => {
    // One `synced` for all of them is nobody's need.
    if (delta.type === 'synced') return;
    if (delta.type === 'deleted') store.delete(delta.key);
    else store.set(delta.key, delta.object);
    options.onChange(delta);
    for (const listener of listeners) listener();
  };
  const watches = namespaces.map((namespace) => {
    const where = resource.namespaced
      ? { namespace }
      : { fieldSelector: `metadata.name=${namespace}` };
    return {
      namespace,
      watch: watchResources(deps, { ...where, resource, schema, signal, onChange }),
    };
  });
  return {
    store,
    async synced(waiting) {
      await Promise.all(
        watches.map(async ({ namespace, watch }) => {
          try {
            await watch.synced(waiting);
          } catch (error) {
            if (!isKubeError(error, 'Forbidden', 'NotFound')) throw error;
            deps.log.warning('namespace cannot be seen', { namespace, reason: describe(error) });
          }
        }),
      );
    },
    async until(look, waiting) {
      const found = Promise.withResolvers<NonNullable<ReturnType<typeof look>>>();
      const check = (): void => {
        const result = look(store);
        if (result !== undefined) found.resolve(result);
      };
      const ended = AbortSignal.any([waiting, signal]);
      const end = (): void => found.reject(ended.reason);
      listeners.add(check);
      ended.addEventListener('abort', end);
      try {
        ended.throwIfAborted();
        check();
        return await found.promise;
      } finally {
        listeners.delete(check);
        ended.removeEventListener('abort', end);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(watches.map(async ({ watch }) => await watch[Symbol.asyncDispose]()));
    },
  };
}
