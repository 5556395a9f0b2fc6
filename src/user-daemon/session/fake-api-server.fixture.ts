import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import * as v from 'valibot';

/** For tests: an object as the fake API server keeps it. */
export interface FakeObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly [field: string]: unknown;
}

interface Watcher {
  readonly plural: string;
  readonly namespace: string;
  readonly name: string | undefined;
  readonly response: http.ServerResponse;
}

/** For tests: Connections and Intercepts by HTTP, with watches; and upgrades handed on. */
export interface FakeApiServer extends AsyncDisposable {
  readonly url: string;
  /** By `plural/namespace/name`. */
  readonly objects: ReadonlyMap<string, FakeObject>;
  setStatus(key: string, status: object): void;
  remove(key: string): void;
  /** Resolves once there are so many objects. */
  has(count: number): Promise<void>;
  /** Any object that has only to be found. */
  lay(path: string, body: object): void;
}

interface Hooks {
  readonly onCreate: (key: string, object: FakeObject) => void;
  readonly onUpgrade: (path: string, request: http.IncomingMessage, socket: Duplex) => void;
}

const bodySchema = v.looseObject({
  kind: v.string(),
  metadata: v.optional(v.looseObject({ name: v.optional(v.string(), '') }), {}),
});
const ours =
  /^\/apis\/intercept\.telepresence\.io\/v1alpha1\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/;

/** Starts one on a free port. */
export async function startFakeApiServer(hooks: Hooks): Promise<FakeApiServer> {
  const objects = new Map<string, FakeObject>();
  const laid = new Map<string, object>();
  const watchers = new Set<Watcher>();
  let version = 1;

  const counted = new Set<() => void>();

  const tell = (type: string, key: string, object: FakeObject): void => {
    for (const look of counted) look();
    const [plural, namespace, name] = key.split('/');
    for (const watcher of watchers) {
      if (watcher.plural !== plural || watcher.namespace !== namespace) continue;
      if (watcher.name !== undefined && watcher.name !== name) continue;
      watcher.response.write(`${JSON.stringify({ type, object })}\n`);
    }
  };
  const put = (type: string, key: string, object: FakeObject): FakeObject => {
    version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(version) };
    const stored = { ...object, metadata };
    objects.set(key, stored);
    tell(type, key, stored);
    return stored;
  };
  const remove = (key: string): boolean => {
    const object = objects.get(key);
    if (object === undefined) return false;
    objects.delete(key);
    version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(version) };
    tell('DELETED', key, { ...object, metadata });
    return true;
  };

  const server = http.createServer((request, response) => {
    void answer(request, response);
  });
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const url = new URL(request.url ?? '', 'http://fake');
    const text = (await request.toArray()).join('');
    const reply = (code: number, body: object): void => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const notFound = (): void =>
      reply(404, { kind: 'Status', reason: 'NotFound', message: `${url.pathname} not found` });
    if (url.pathname.endsWith('/selfsubjectreviews')) {
      reply(201, { status: { userInfo: { username: 'ann' } } });
      return;
    }
    if (url.pathname === '/version') {
      reply(200, { gitVersion: 'v1.36.0', major: '1', minor: '36' });
      return;
    }
    if (url.pathname.endsWith('/selfsubjectrulesreviews')) {
      const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
      reply(201, { status: { resourceRules: [all], incomplete: false } });
      return;
    }
    const [, namespace = '', plural = '', name] = ours.exec(url.pathname) ?? [];
    if (plural === '') {
      const found = laid.get(url.pathname);
      if (found === undefined) notFound();
      else reply(200, found);
      return;
    }
    const key = `${plural}/${namespace}/${name ?? ''}`;
    const selected = url.searchParams.get('fieldSelector')?.replace('metadata.name=', '');
    if (request.method === 'POST') {
      const body = v.parse(bodySchema, JSON.parse(text));
      const object = {
        ...body,
        metadata: {
          ...body.metadata,
          namespace,
          uid: randomUUID(),
          resourceVersion: '',
        },
      };
      const made = put('ADDED', `${key}${body.metadata.name}`, object);
      reply(201, made);
      hooks.onCreate(`${key}${body.metadata.name}`, made);
    } else if (request.method === 'DELETE') {
      if (remove(key)) reply(200, { kind: 'Status', status: 'Success' });
      else notFound();
    } else if (url.searchParams.get('watch') === 'true') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const since = Number(url.searchParams.get('resourceVersion') ?? '0');
      const watcher = { plural, namespace, name: selected, response };
      for (const [each, object] of objects) {
        if (!each.startsWith(key) || Number(object.metadata.resourceVersion) <= since) continue;
        response.write(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
      }
      watchers.add(watcher);
      response.once('close', () => watchers.delete(watcher));
    } else {
      const items = [...objects]
        .filter(([each]) => each.startsWith(key))
        .map(([, object]) => object)
        .filter(({ metadata }) => selected === undefined || metadata.name === selected);
      reply(200, { metadata: { resourceVersion: String(version) }, items });
    }
  };
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (request, socket) => {
    upgraded.add(socket);
    socket.on('error', () => {});
    hooks.onUpgrade(new URL(request.url ?? '', 'http://fake').pathname, request, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    objects,
    setStatus(key, status) {
      const object = objects.get(key);
      if (object !== undefined) put('MODIFIED', key, { ...object, status });
    },
    remove,
    async has(count) {
      const reached = Promise.withResolvers<undefined>();
      const look = (): void => {
        if (objects.size === count) reached.resolve(undefined);
      };
      counted.add(look);
      look();
      await reached.promise;
      counted.delete(look);
    },
    lay: (path, body) => laid.set(path, body),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      for (const socket of upgraded) socket.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
}
