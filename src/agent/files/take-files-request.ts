import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { describe, systemCode } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { AgentConfig } from '#protocol/agent-config.ts';
import { containerHeader, filesPath, readOnlyHeader } from '#protocol/sftp/files-request.ts';
import { answerOnly } from '#tunnel/server-session.ts';
import { serveFiles } from './serve-files.ts';
import { openTree } from './tree.ts';
import { createTurns } from './turns.ts';

/** Takes a laptop's request for files and returns true, or leaves any other. */
export type TakeFilesRequest = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/** Clients at once; an intercept is one. */
const mostClients = 16;
/**
 * Each file operation holds a thread of Node's four while it lasts, for ever on a network volume whose
 * server is gone: names and tokens are read by the others.
 */
const mostAtOnce = 2;

/** Serves each container's volumes, where the webhook has mounted them, and nothing else. */
export function createTakeFilesRequest(deps: {
  readonly log: Logger;
  readonly config: Pick<AgentConfig, 'containers'>;
}): TakeFilesRequest {
  const turns = createTurns(mostAtOnce);
  let clients = 0;
  const serve = async (
    stream: ServerHttp2Stream,
    { root, readOnly }: { readonly root: string; readonly readOnly: boolean },
  ): Promise<void> => {
    await using tree = await openTree(root);
    if (stream.destroyed || stream.closed) return;
    stream.respond({ ':status': 200 });
    await serveFiles({ turns }, stream, { tree, readOnly });
  };
  return (stream, headers) => {
    if (headers[':path'] !== filesPath) return false;
    const name = headers[containerHeader];
    const root = deps.config.containers.find((one) => one.name === name)?.volumesAt;
    if (root === undefined) {
      answerOnly(stream, { ':status': 404 });
      return true;
    }
    if (clients >= mostClients) {
      answerOnly(stream, { ':status': 429 });
      return true;
    }
    clients += 1;
    const log = deps.log.child({ container: String(name) });
    log.info('files asked for');
    serve(stream, { root, readOnly: headers[readOnlyHeader] === '1' })
      .catch((error: unknown) => {
        log.info('files no longer served', { reason: describe(error) });
        answerOnly(stream, { ':status': systemCode(error) === 'ENOENT' ? 404 : 500 });
        stream.destroy(error instanceof Error ? error : undefined);
      })
      .finally(() => {
        clients -= 1;
      });
    return true;
  };
}
