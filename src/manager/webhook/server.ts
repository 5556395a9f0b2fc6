import { once } from 'node:events';
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { InjectorConfig } from './agent-containers.ts';
import { review } from './review.ts';

interface Options {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly port: number;
  readonly path: string;
  readonly config: InjectorConfig;
}

// The API server refuses objects of more than 3 MiB.
const maxBodyBytes = 4 * 1024 * 1024;

/**
 * Answers admission reviews. The API server shows no certificate, so whoever reaches this port may
 * ask; the answer is a pure function of the question, and tells nothing but the agent's settings.
 */
export async function serveWebhook(
  deps: { readonly log: Logger },
  options: Options,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = https.createServer(
    { ...options.tls, minVersion: 'TLSv1.3' },
    (request, response) => {
      answer(deps, options, request, response).catch((error: unknown) => {
        deps.log.warning('review failed', { reason: describe(error) });
        response.destroy();
      });
    },
  );
  server.on('tlsClientError', (error) => {
    deps.log.debug('TLS handshake failed', { reason: error.message });
  });
  server.listen(options.port);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : options.port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  deps: { readonly log: Logger },
  options: Options,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'https://webhook');
  if (request.method !== 'POST' || pathname !== options.path) {
    response.writeHead(404).end();
    return;
  }
  const body = await readBody(request);
  const reviewed = body === undefined ? undefined : review(body, options.config);
  if (reviewed === undefined) {
    response.writeHead(400).end();
    return;
  }
  const { namespace, pod, dryRun, outcome } = reviewed;
  deps.log.debug('pod reviewed', { namespace, pod, dryRun, outcome });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(reviewed.answer));
}

/** The body as JSON; undefined when it is none, or too much. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
