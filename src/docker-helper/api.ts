import { createServer } from 'node:http';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { closeServer } from '#host/close-server.ts';
import { listenOnUnixSocket } from '#host/unix-listener.ts';
import { DockerHelper, type DescribeResponseSchema } from '#protocol/gen/telepresence_pb.ts';

/** What the CLI learns of a connection in a container. */
export type Description = MessageInitShape<typeof DescribeResponseSchema>;

interface Deps {
  /** Resolves once the daemon is there. */
  readonly described: () => Promise<Description>;
  /** Resolves once all is gone. */
  readonly quit: () => Promise<void>;
}

/** Serves the CLI on a unix socket that is this user's alone; while it listens, the connection is somebody's. */
export async function serveHelper(
  deps: Deps,
  options: { readonly path: string; readonly signal: AbortSignal },
): Promise<AsyncDisposable> {
  const server = createServer(
    connectNodeAdapter({
      routes: (router) => {
        router.service(DockerHelper, {
          describe: async () => await deps.described(),
          quit: async () => {
            await deps.quit();
            return {};
          },
        });
      },
    }),
  );
  server.requestTimeout = 0;
  const asOwner = <T>(run: () => T): T => run();
  await listenOnUnixSocket({ server, asOwner }, options);
  return {
    [Symbol.asyncDispose]: async () => await closeServer(server),
  };
}
