import { Agent } from 'node:http';
import { createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { RootDaemon } from '#protocol/gen/telepresence_pb.ts';

/** Calls the root daemon by its unix socket: its version, and its end. */
export function createRootDaemonClient(
  socketPath: string,
): Pick<Client<typeof RootDaemon>, 'version' | 'quit'> {
  return createClient(
    RootDaemon,
    createConnectTransport({
      httpVersion: '1.1',
      baseUrl: 'http://root-daemon',
      nodeOptions: { socketPath, agent: new Agent({ keepAlive: false }) },
    }),
  );
}
