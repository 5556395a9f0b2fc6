import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { startTestApiServer, statusBody, type TestApiServer } from '#kube/test-api-server.ts';
import { leaseObject, type LeaseObject } from '../state/lease.ts';

/** For tests: an API server with one Lease and the pods that are said to run. */
export interface LeaseApi extends AsyncDisposable {
  readonly server: TestApiServer;
  readonly lease: LeaseObject | undefined;
  /** Pods of which the API server knows that their container runs. */
  readonly running: Set<string>;
  /** Answers nothing but 500 from now on, or no more. */
  broken: boolean;
}

/** Starts it: versions, conflicts and watches as the real one has them. */
export async function leaseApi(): Promise<LeaseApi> {
  let lease: LeaseObject | undefined;
  let version = 1;
  const watchers = new Set<ServerResponse>();

  const change = (body: unknown, response: ServerResponse): void => {
    const wanted = v.parse(leaseObject, body);
    const known = lease?.metadata.resourceVersion ?? '';
    if (wanted.metadata.resourceVersion !== known) {
      response.writeHead(409).end(statusBody(409, 'Conflict', 'not that version'));
      return;
    }
    const type = lease === undefined ? 'ADDED' : 'MODIFIED';
    version += 1;
    lease = { ...wanted, metadata: { ...wanted.metadata, resourceVersion: String(version) } };
    response.end(JSON.stringify(lease));
    for (const watcher of watchers) {
      watcher.write(`${JSON.stringify({ type, object: lease })}\n`);
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://api');
    if (api.broken) {
      response.writeHead(500).end(statusBody(500, 'InternalError', 'broken'));
      return;
    }
    const pod = /\/pods\/([^/]+)$/.exec(url.pathname)?.[1];
    if (pod !== undefined) {
      const running = api.running.has(pod) ? { running: {} } : { terminated: {} };
      const containerStatuses = [{ state: running }];
      response.end(
        JSON.stringify({ metadata: { name: pod }, spec: {}, status: { containerStatuses } }),
      );
      return;
    }
    if (request.method === 'PUT' || request.method === 'POST') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      change(JSON.parse(Buffer.concat(chunks).toString()), response);
      return;
    }
    if (url.searchParams.has('watch')) {
      response.flushHeaders();
      watchers.add(response);
      response.once('close', () => watchers.delete(response));
      return;
    }
    if (url.pathname.endsWith('/leases')) {
      const items = lease === undefined ? [] : [lease];
      response.end(JSON.stringify({ metadata: { resourceVersion: String(version) }, items }));
      return;
    }
    if (lease === undefined) {
      response.writeHead(404).end(statusBody(404, 'NotFound', 'no such lease'));
    } else response.end(JSON.stringify(lease));
  };
  const server = await startTestApiServer((request, response) => void answer(request, response));
  const api: LeaseApi = {
    server,
    get lease() {
      return lease;
    },
    running: new Set(),
    broken: false,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return api;
}
