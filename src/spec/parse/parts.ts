import type { Path } from './problem.ts';
import { isList, isMap } from './value-kind.ts';

/** The parts of a document that refer to each other, read also where the rest of it is wrong. */
export interface Parts {
  readonly connections: readonly { readonly name: string | undefined }[];
  readonly workloads: readonly WorkloadPart[];
  readonly intercepts: readonly InterceptPart[];
  readonly handlers: readonly HandlerPart[];
  readonly prerequisites: readonly PrerequisitePart[];
}

/** A handler, and what follows from its kind. */
export interface HandlerPart {
  readonly name: string;
  readonly isOnLaptop: boolean;
  /** False: it runs nothing here that could end by itself. */
  readonly canEnd: boolean;
}

/** A handler that is run to its end, by the field that names it. */
export interface PrerequisitePart {
  readonly handler: string;
  readonly path: Path;
}

/** A workload: its name without the connection that is written before it. */
export interface WorkloadPart {
  readonly name: string;
  readonly prefix: string | undefined;
  readonly path: Path;
}

/** An intercept, with the name that it will have. */
export interface InterceptPart {
  readonly enabled: boolean;
  readonly name: string;
  /** It is written, and not made of the workload's. */
  readonly isOwn: boolean;
  readonly handler: string | undefined;
  /** The connection that is written before the workload. */
  readonly prefix: string | undefined;
  readonly path: Path;
}

/** With no other field, nobody answers: one that is misspelt is another trouble. */
const ofAnyHandler = new Set(['name', 'environment', 'stopGracePeriod']);

/** Finds the parts of a specification that is right, or nearly. */
export function partsOf(document: unknown): Parts {
  const workloads = itemsOf(document, 'workloads', []);
  return {
    connections: connectionsOf(document),
    workloads: workloads.flatMap(({ value, path }) => {
      const full = textOf(value, 'name');
      return full === undefined ? [] : [{ ...splitName(full), path }];
    }),
    intercepts: workloads.flatMap((workload) => {
      const { name, prefix } = splitName(textOf(workload.value, 'name') ?? '');
      const namespace = textOf(workload.value, 'namespace');
      return itemsOf(workload.value, 'intercepts', workload.path).map(({ value, path }) => {
        const own = textOf(value, 'name');
        return {
          name: own ?? defaultName(name, namespace),
          isOwn: own !== undefined,
          handler: textOf(value, 'handler'),
          enabled: value['enabled'] !== false,
          prefix,
          path,
        };
      });
    }),
    handlers: itemsOf(document, 'handlers', []).flatMap(({ value }) => {
      const name = textOf(value, 'name');
      if (name === undefined) return [];
      const { script, external } = value;
      const isOutside = isMap(external) && external['isDocker'] !== true;
      const isNobody = Object.keys(value).every((key) => ofAnyHandler.has(key));
      const canEnd = external === undefined && !isNobody;
      return [{ name, isOnLaptop: script !== undefined || isOutside, canEnd }];
    }),
    prerequisites: itemsOf(document, 'prerequisites', []).flatMap(({ value, path }) =>
      ['create', 'delete'].flatMap((field) => {
        const handler = textOf(value, field);
        return handler === undefined ? [] : [{ handler, path: [...path, field] }];
      }),
    ),
  };
}

/** `CONNECTION/NAME`, taken apart. */
export function splitName(full: string): {
  readonly name: string;
  readonly prefix: string | undefined;
} {
  const slash = full.indexOf('/');
  if (slash === -1) return { name: full, prefix: undefined };
  return { name: full.slice(slash + 1), prefix: full.slice(0, slash) };
}

/** What an intercept is called that has no name of its own. */
export function defaultName(workload: string, namespace: string | undefined): string {
  return namespace === undefined ? workload : `${workload}-${namespace}`;
}

interface Item {
  readonly value: Readonly<Record<string, unknown>>;
  readonly path: Path;
}

/** The maps in a list of a map. */
function itemsOf(holder: unknown, key: string, path: Path): readonly Item[] {
  const items = isMap(holder) ? holder[key] : undefined;
  if (!isList(items)) return [];
  return items.flatMap((value, at) => (isMap(value) ? [{ value, path: [...path, key, at] }] : []));
}

function connectionsOf(document: unknown): Parts['connections'] {
  const several = itemsOf(document, 'connections', []);
  if (several.length > 0) return several.map(({ value }) => ({ name: textOf(value, 'name') }));
  const single = isMap(document) ? document['connection'] : undefined;
  return [{ name: isMap(single) ? textOf(single, 'name') : undefined }];
}

function textOf(value: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const text = value[key];
  return typeof text === 'string' ? text : undefined;
}
