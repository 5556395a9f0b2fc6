import { createServer, type IncomingMessage } from 'node:http';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { closeServer } from '#host/close-server.ts';
import { listenOnUnixSocket } from '#host/unix-listener.ts';
import { VolumePluginError } from '../errors.ts';
import type { DescribedVolume, Volumes } from '../volumes.ts';
import { parseCall, type Call } from './parse-call.ts';

interface Deps {
  readonly log: Logger;
  readonly volumes: Volumes;
}

const mostBytes = 64 * 1024;
const contentType = 'application/vnd.docker.plugins.v1.1+json';

/** Serves Docker's calls on a unix socket. */
export async function servePluginApi(
  deps: Deps,
  options: { readonly path: string; readonly signal: AbortSignal },
): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    const reply = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': contentType }).end(JSON.stringify(body));
    };
    const serve = async (): Promise<void> => {
      const path = request.url ?? '';
      const call = request.method === 'POST' ? parseCall(path, await readBody(request)) : undefined;
      if (call === undefined) reply(404, { Err: `no such call: ${JSON.stringify(path)}` });
      else reply(200, await answer(deps.volumes, call));
    };
    serve().catch((error: unknown) => {
      deps.log.info('refused', { call: request.url ?? '', reason: describe(error) });
      reply(500, { Err: error instanceof VolumePluginError ? error.message : describe(error) });
    });
  });
  // Mounting has a deadline of its own.
  server.requestTimeout = 30_000;
  const asOwner = <T>(run: () => T): T => run();
  await listenOnUnixSocket({ server, asOwner }, options);
  return { [Symbol.asyncDispose]: async () => await closeServer(server) };
}

async function answer(volumes: Volumes, call: Call): Promise<unknown> {
  switch (call.kind) {
    case 'activate':
      return { Implements: ['VolumeDriver'] };
    case 'capabilities':
      return { Capabilities: { Scope: 'local' } };
    case 'create':
      await volumes.create(call.name, call.options);
      return { Err: '' };
    case 'remove':
      await volumes.remove(call.name);
      return { Err: '' };
    case 'mount':
      return { Mountpoint: await volumes.mount(call.name, call.id), Err: '' };
    case 'unmount':
      await volumes.unmount(call.name, call.id);
      return { Err: '' };
    case 'path':
      return { Mountpoint: volumes.describe(call.name).mountPoint, Err: '' };
    case 'get':
      return { Volume: volumeOf(volumes.describe(call.name)), Err: '' };
    case 'list':
      return { Volumes: volumes.list().map(volumeOf), Err: '' };
    default:
      return call satisfies never;
  }
}

/** As `docker volume inspect` prints it; the token is nobody's business. */
function volumeOf({ name, mountPoint, createdAt, options, usedBy }: DescribedVolume): unknown {
  const { host, port, container, dir, readOnly } = options;
  return {
    Name: name,
    Mountpoint: mountPoint,
    CreatedAt: createdAt,
    Status: { host, port, container, remoteDir: dir, readOnly, usedBy },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    size += part.length;
    if (size > mostBytes) throw new VolumePluginError('BadCall', 'a call that is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
