import type { Server } from 'node:http';

/** Takes no new calls; resolves once what is being answered has been. Kept-alive connections are not waited for. */
export async function closeServer(server: Server): Promise<void> {
  const closed = Promise.withResolvers<undefined>();
  server.close(() => closed.resolve(undefined));
  server.closeIdleConnections();
  await closed.promise;
}
