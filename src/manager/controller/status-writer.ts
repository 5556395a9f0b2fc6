import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import type { ObjectSchema } from '#kube/objects.ts';
import type { Resource } from '#kube/resource.ts';
import { fieldManager } from '#protocol/resources.ts';
import { mergePatch } from '../state/merge-patch.ts';

interface StatusObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly status: Readonly<Record<string, unknown>>;
}

/** Writes the status of one kind, and remembers what it wrote until the watch has seen it. */
export interface StatusWriter<T extends StatusObject> {
  /** The newest that is known of each object: as watched, or as written. */
  freshest(objects: Iterable<T>): T[];
  /**
   * Writes a status where it differs, and does not wait for it. What differs still when that is done,
   * or could not be done, is for the next pass.
   */
  write(object: T, status: T['status']): void;
}

interface Deps {
  readonly client: Pick<KubeClient, 'patch'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Logger;
  /** A write is over that another one waited for, or failed: look again. */
  readonly onRetry: () => void;
}

const retryMs = 1000;

/** A writer for one kind. */
export function createStatusWriter<T extends StatusObject>(
  deps: Deps,
  options: {
    readonly resource: Resource;
    readonly schema: ObjectSchema<T>;
    readonly signal: AbortSignal;
  },
): StatusWriter<T> {
  const written = new Map<string, T>();
  /** Writes under way, and whether there is more to write to the same object. */
  const writing = new Map<string, boolean>();

  const send = async (object: T, status: Readonly<Record<string, unknown>>): Promise<void> => {
    const { uid, name, namespace } = object.metadata;
    try {
      const answer = await deps.client.patch({
        resource: options.resource,
        schema: options.schema,
        namespace,
        name,
        subresource: 'status',
        type: 'merge',
        // With the uid, another object that took the name is left alone.
        patch: { metadata: { uid }, status },
        fieldManager,
        deadlineMs: 10_000,
        signal: options.signal,
      });
      written.set(uid, answer);
    } catch (error) {
      if (options.signal.aborted || isKubeError(error, 'NotFound', 'Conflict')) return;
      deps.log.warning('status not written', { object: name, reason: describe(error) });
      deps.clock.after(retryMs, deps.onRetry);
    }
  };

  return {
    freshest(objects) {
      const watched = [...objects];
      const known = new Set(watched.map((one) => one.metadata.uid));
      for (const uid of written.keys()) if (!known.has(uid)) written.delete(uid);
      return watched.map((object) => {
        const mine = written.get(object.metadata.uid);
        if (mine !== undefined && isNewer(mine, object)) return mine;
        written.delete(object.metadata.uid);
        return object;
      });
    },
    write(object, status) {
      const { uid } = object.metadata;
      const patch = mergePatch(object.status, status);
      if (patch === undefined) return;
      if (writing.has(uid)) {
        writing.set(uid, true);
        return;
      }
      writing.set(uid, false);
      void send(object, patch).then(() => {
        const more = writing.get(uid) === true;
        writing.delete(uid);
        if (more) deps.onRetry();
      });
    },
  };
}

// Kubernetes counts all versions of a kind upwards (KEP-5504).
function isNewer(a: StatusObject, b: StatusObject): boolean {
  const [x, y] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  return /^\d+$/.test(x) && /^\d+$/.test(y) && BigInt(x) > BigInt(y);
}
