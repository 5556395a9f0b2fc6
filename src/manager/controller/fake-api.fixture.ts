import type { KubeClient } from '#kube/client.ts';
import { KubeError } from '#kube/errors.ts';
import { parseObject } from '#kube/client.ts';

/** One call of a test's client. */
export interface ApiCall {
  readonly verb: 'find' | 'get' | 'create' | 'patch';
  readonly kind: string;
  readonly name: string;
  readonly subresource: string | undefined;
  readonly dryRun: boolean;
  readonly body: unknown;
}

type Fake = Pick<KubeClient, 'find' | 'get' | 'create' | 'patch'>;

/** For tests: a client whose answers are a function of the call. A thrown KubeError is an answer too. */
export function fakeApi(answer: (call: ApiCall) => unknown): Fake & { readonly calls: ApiCall[] } {
  const calls: ApiCall[] = [];
  const ask = (call: ApiCall): unknown => {
    calls.push(call);
    return answer(call);
  };
  return {
    calls,
    async find({ resource, name, subresource, schema }) {
      const call = { kind: resource.kind, name, subresource, dryRun: false, body: undefined };
      const found = ask({ verb: 'find', ...call });
      return found === undefined ? undefined : parseObject(schema, found, 'find');
    },
    async get({ resource, name, subresource, schema }) {
      const call = { kind: resource.kind, name, subresource, dryRun: false, body: undefined };
      return parseObject(schema, ask({ verb: 'get', ...call }), 'get');
    },
    async create({ resource, name = '', subresource, schema, object, dryRun = false }) {
      const call = { kind: resource.kind, name, subresource, dryRun, body: object };
      return parseObject(schema, ask({ verb: 'create', ...call }), 'create');
    },
    async patch({ resource, name, subresource, schema, patch, dryRun = false }) {
      const call = { kind: resource.kind, name, subresource, dryRun, body: patch };
      return parseObject(schema, ask({ verb: 'patch', ...call }), 'patch');
    },
  };
}

/** The API server says no. */
export function forbidden(message: string): KubeError {
  return new KubeError('Forbidden', message, { status: 403 });
}
