import * as v from 'valibot';
import type { ClusterAccess } from './cluster-access.ts';
import { isKubeError, KubeError } from './errors.ts';
import { objectMetaSchema, type ObjectSchema } from './objects.ts';
import { createRequester, type RawRequest, type Requester } from './request.ts';
import {
  apiVersion,
  describeAddress,
  resourcePath,
  type Resource,
  type ResourceAddress,
} from './resource.ts';
import { parseJson } from './status.ts';

interface Call {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly subresource?: string | undefined;
  readonly deadlineMs?: number;
  readonly signal: AbortSignal;
}

/** One object by its name. */
export interface GetOptions<T> extends Call {
  readonly name: string;
  readonly schema: ObjectSchema<T>;
}

export interface ListOptions<T> extends Omit<Call, 'subresource'> {
  readonly schema: ObjectSchema<T>;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

interface WriteOptions<T> extends Call {
  readonly schema: ObjectSchema<T>;
  /** Ask the API server whether it would do it. */
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
}

/** A new object; its name may be in the path of a subresource (`eviction`). */
export interface CreateOptions<T> extends WriteOptions<T> {
  readonly name?: string;
  readonly object: object;
  /** Refused where the API server knows a field of it not, which it leaves out silently otherwise. */
  readonly strict?: boolean;
}

/** A merge patch is an object, a JSON patch a list of operations. */
export interface PatchOptions<T> extends WriteOptions<T> {
  readonly name: string;
  readonly type: 'merge' | 'json' | 'strategic';
  readonly patch: object;
}

/** Server-side apply: `object` holds the fields that `fieldManager` wants, and no others. */
export interface ApplyOptions<T> extends Omit<WriteOptions<T>, 'fieldManager'> {
  readonly name: string;
  readonly object: object;
  readonly fieldManager: string;
  readonly force?: boolean;
}

export interface ReplaceOptions<T> extends WriteOptions<T> {
  readonly name: string;
  readonly object: object;
}

export interface DeleteOptions extends Call {
  readonly name: string;
  /** Only this very object, and not another that took its name. */
  readonly uid?: string | undefined;
  readonly gracePeriodSeconds?: number;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
}

/** A list and the version from which a watch goes on. */
export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** Objects of one cluster, with one user's rights. Errors are KubeErrors. */
export interface KubeClient extends AsyncDisposable {
  readonly access: ClusterAccess;
  readonly requester: Requester;
  get<T>(options: GetOptions<T>): Promise<T>;
  /** Like get, but undefined where there is none. */
  find<T>(options: GetOptions<T>): Promise<T | undefined>;
  /** Everything, page by page. */
  list<T>(options: ListOptions<T>): Promise<ObjectList<T>>;
  create<T>(options: CreateOptions<T>): Promise<T>;
  patch<T>(options: PatchOptions<T>): Promise<T>;
  apply<T>(options: ApplyOptions<T>): Promise<T>;
  /** Writes the whole object; a stale `metadata.resourceVersion` is a Conflict. */
  replace<T>(options: ReplaceOptions<T>): Promise<T>;
  /** Whether there was one. */
  delete(options: DeleteOptions): Promise<boolean>;
  /** Any other path; the answer's body as text. */
  raw(request: RawRequest): Promise<string>;
}

const pageSize = 500;

const listSchema = v.object({
  metadata: v.object({
    resourceVersion: v.optional(v.string(), ''),
    continue: v.optional(v.string(), ''),
  }),
  items: v.nullable(v.array(v.looseObject({}))),
});

/** A client for `deps.access`. */
export function createKubeClient(deps: Parameters<typeof createRequester>[0]): KubeClient {
  const requester = createRequester(deps);

  const send = async <T>(
    method: string,
    options: Call & { readonly schema: ObjectSchema<T>; readonly name?: string | undefined },
    extra: {
      readonly query?: Query;
      readonly body?: object;
      readonly contentType?: string;
    } = {},
  ): Promise<T> => {
    const address = addressOf(options);
    const what = `${verbs[method] ?? method} ${describeAddress(address)}`;
    const { body } = await requester.send({
      method,
      path: withQuery(resourcePath(address), extra.query ?? {}),
      what,
      signal: options.signal,
      ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
      ...(extra.body === undefined
        ? {}
        : {
            body: JSON.stringify(extra.body),
            headers: { 'content-type': extra.contentType ?? 'application/json' },
          }),
    });
    return parseObject(options.schema, parseJson(body), what);
  };

  const get = async <T>(options: GetOptions<T>): Promise<T> => await send('GET', options);

  return {
    access: deps.access,
    requester,
    get,
    async find(options) {
      try {
        return await get(options);
      } catch (error) {
        if (isKubeError(error, 'NotFound')) return undefined;
        throw error;
      }
    },
    async list(options) {
      const items: object[] = [];
      let resourceVersion = '';
      let next = '';
      do {
        const page = await send(
          'GET',
          { ...options, schema: listSchema },
          {
            query: {
              labelSelector: options.labelSelector,
              fieldSelector: options.fieldSelector,
              limit: String(pageSize),
              continue: next === '' ? undefined : next,
            },
          },
        );
        items.push(...(page.items ?? []));
        ({ resourceVersion, continue: next } = page.metadata);
      } while (next !== '');
      const what = `list ${describeAddress(options)}`;
      const kind = { apiVersion: apiVersion(options.resource), kind: options.resource.kind };
      return {
        // Lists of Kubernetes' own kinds leave out what they are lists of.
        items: items.map((item) => parseObject(options.schema, { ...kind, ...item }, what)),
        resourceVersion,
      };
    },
    async create(options) {
      // A new object's name is in the object; only a subresource is created below a name.
      const address = options.subresource === undefined ? { ...options, name: undefined } : options;
      const fieldValidation = options.strict === true ? 'Strict' : undefined;
      const query = { ...writeQuery(options), fieldValidation };
      return await send('POST', address, { query, body: options.object });
    },
    async patch(options) {
      return await send('PATCH', options, {
        query: writeQuery(options),
        body: options.patch,
        contentType: patchTypes[options.type],
      });
    },
    async apply(options) {
      return await send('PATCH', options, {
        query: { ...writeQuery(options), force: options.force === true ? 'true' : undefined },
        // JSON is YAML, and the API server wants this type's name.
        body: options.object,
        contentType: 'application/apply-patch+yaml',
      });
    },
    async replace(options) {
      return await send('PUT', options, { query: writeQuery(options), body: options.object });
    },
    async delete(options) {
      try {
        await send(
          'DELETE',
          { ...options, schema: v.unknown() },
          {
            body: {
              apiVersion: 'v1',
              kind: 'DeleteOptions',
              propagationPolicy: options.propagation ?? 'Background',
              gracePeriodSeconds: options.gracePeriodSeconds,
              preconditions: options.uid === undefined ? undefined : { uid: options.uid },
            },
          },
        );
        return true;
      } catch (error) {
        // With a uid, Conflict means: another object has this name now, ours is gone.
        if (isKubeError(error, 'NotFound')) return false;
        if (options.uid !== undefined && isKubeError(error, 'Conflict')) return false;
        throw error;
      }
    },
    async raw(request) {
      const { body } = await requester.send(request);
      return body;
    },
    async [Symbol.asyncDispose]() {
      await requester[Symbol.asyncDispose]();
    },
  };
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PATCH: 'patch',
  PUT: 'replace',
  DELETE: 'delete',
};

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

type Query = Readonly<Record<string, string | undefined>>;

function writeQuery(options: { readonly dryRun?: boolean; readonly fieldManager?: string }): Query {
  return {
    fieldManager: options.fieldManager,
    dryRun: options.dryRun === true ? 'All' : undefined,
  };
}

function addressOf(options: Call & { readonly name?: string | undefined }): ResourceAddress {
  const { resource, namespace, name, subresource } = options;
  return { resource, namespace, name, subresource };
}

/** A path with those parameters that have a value. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(key, value);
  }
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

/** Foreign JSON by the caller's schema; `what` names it in the error. */
export function parseObject<T>(schema: ObjectSchema<T>, value: unknown, what: string): T {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const name = v.safeParse(v.object({ metadata: objectMetaSchema }), value);
  const of = name.success ? ` ${name.output.metadata.name}` : '';
  throw new KubeError(
    'BadObject',
    `${what}: the answer${of} is not what was expected: ${v.summarize(parsed.issues)}`,
  );
}
