import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import { describe } from '#base/errors.ts';
import { createDnsFrameReader, frameDnsMessage } from '#protocol/dns-stream.ts';

import { answerFromCluster } from './answer-query.ts';
import type { SplitterDeps } from './udp-server.ts';

/** A server of redirected queries by TCP. */
export interface TcpServer extends AsyncDisposable {
  readonly port: number;
}

const idleMs = 30_000;

/** Answers redirected queries by TCP on that port, 0 for a free one. What is not ours goes on, frame by frame. */
export async function serveTcp(
  deps: SplitterDeps,
  listen: { readonly host: string; readonly port: number; readonly signal: AbortSignal },
): Promise<TcpServer> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    open.add(client);
    client.once('close', () => open.delete(client));
    serveClient(deps, client);
  });
  const listening = once(server, 'listening', { signal: listen.signal });
  server.listen(listen.port, listen.host);
  await listening;
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const client of open) client.destroy();
      await closed;
    },
  };
}

function serveClient(deps: SplitterDeps, client: Socket): void {
  const reader = createDnsFrameReader();
  let upstream: Promise<Socket | undefined> | undefined;
  let underWay = 0;
  let asked = false;

  const endWhenDone = (): void => {
    if (asked && underWay === 0 && upstream === undefined) client.end();
  };
  const toUpstream = async (query: Buffer): Promise<void> => {
    upstream ??= openUpstream(deps, client);
    const server = await upstream;
    if (server === undefined || client.destroyed) client.destroy();
    else server.write(frameDnsMessage(query));
  };
  const serve = async (query: Buffer): Promise<void> => {
    underWay += 1;
    try {
      const own = await answerFromCluster(deps.names(), query);
      if (own === undefined) await toUpstream(query);
      else if (!client.destroyed) client.write(frameDnsMessage(own));
    } catch (error) {
      deps.log.warning('query not answered', { reason: describe(error) });
      client.destroy();
    } finally {
      underWay -= 1;
      endWhenDone();
    }
  };
  client.on('data', (chunk: Buffer) => {
    for (const query of reader.push(chunk)) void serve(Buffer.from(query));
  });
  client.on('end', () => {
    asked = true;
    void upstream?.then((server) => server?.end());
    endWhenDone();
  });
  client.on('error', () => {});
  client.on('close', () => void upstream?.then((server) => server?.destroy()));
  client.setTimeout(idleMs, () => client.destroy());
}

/** A connection whose answers, whole frames, are the client's; its end is the client's too. */
async function openUpstream(deps: SplitterDeps, client: Socket): Promise<Socket | undefined> {
  const server = await deps.upstream().connect();
  if (server === undefined) return undefined;
  const reader = createDnsFrameReader();
  server.on('data', (chunk: Buffer) => {
    for (const answer of reader.push(chunk)) client.write(frameDnsMessage(answer));
  });
  server.on('end', () => client.end());
  server.on('error', () => client.destroy());
  server.on('close', () => client.end());
  return server;
}
