import * as v from 'valibot';
import type { Logger } from '#base/log.ts';
import { objectKey, objectMetaSchema, type ObjectSchema } from './objects.ts';
import type { WatchEvent } from './watch-stream.ts';

/** One change of one object. */
export type StoreDelta<T> =
  | { readonly type: 'added'; readonly key: string; readonly object: T }
  | { readonly type: 'modified'; readonly key: string; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly key: string; readonly object: T };

interface Store<T> {
  readonly objects: ReadonlyMap<string, T>;
  /** A new list: what is new, changed or gone. */
  replaceAll(items: readonly unknown[]): readonly StoreDelta<T>[];
  /** One event of a watch. */
  take(event: WatchEvent): readonly StoreDelta<T>[];
}

const headSchema = v.looseObject({ metadata: objectMetaSchema });

/** The objects of one kind by key; foreign JSON goes in, deltas come out. */
export function createStore<T>(options: {
  readonly schema: ObjectSchema<T>;
  readonly log: Logger;
}): Store<T> {
  const objects = new Map<string, T>();
  const versions = new Map<string, { readonly uid: string; readonly version: string }>();

  const parse = (value: unknown) => {
    const head = v.safeParse(headSchema, value);
    if (!head.success) {
      options.log.warning('object left out', { reason: v.summarize(head.issues) });
      return undefined;
    }
    const { metadata } = head.output;
    const key = objectKey(metadata);
    const version = { uid: metadata.uid ?? '', version: metadata.resourceVersion ?? '' };
    const object = v.safeParse(options.schema, value);
    // One strange object must not blind us to the others.
    if (!object.success) {
      options.log.warning('object left out', { key, reason: v.summarize(object.issues) });
    }
    return { key, version, object: object.success ? { value: object.output } : undefined };
  };

  const remove = (key: string): readonly StoreDelta<T>[] => {
    const previous = objects.get(key);
    versions.delete(key);
    if (!objects.delete(key) || previous === undefined) return [];
    return [{ type: 'deleted', key, object: previous }];
  };

  const put = (parsed: NonNullable<ReturnType<typeof parse>>): readonly StoreDelta<T>[] => {
    const { key, version, object } = parsed;
    if (object === undefined) return remove(key);
    const known = versions.get(key);
    if (known?.uid === version.uid && known.version === version.version) return [];
    // Another object under the same name: the old one's end must be seen.
    const gone = known !== undefined && known.uid !== version.uid ? remove(key) : [];
    const previous = objects.get(key);
    objects.set(key, object.value);
    versions.set(key, version);
    const delta: StoreDelta<T> =
      previous === undefined
        ? { type: 'added', key, object: object.value }
        : { type: 'modified', key, object: object.value, previous };
    return [...gone, delta];
  };

  return {
    objects,
    replaceAll(items) {
      const parsed = items.map(parse).filter((item) => item !== undefined);
      const kept = new Set(parsed.map((item) => item.key));
      const gone = [...objects.keys()].filter((key) => !kept.has(key));
      return [...gone.flatMap(remove), ...parsed.flatMap(put)];
    },
    take(event) {
      if (event.type === 'BOOKMARK') return [];
      const parsed = parse(event.object);
      if (parsed === undefined) return [];
      return event.type === 'DELETED' ? remove(parsed.key) : put(parsed);
    },
  };
}
