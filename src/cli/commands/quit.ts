import { DaemonCallError } from '../daemon/answer-error.ts';
import { createRootDaemonClient } from '../daemon/root-daemon-client.ts';
import { call, callWithin, findHostDaemon } from '../daemon/session.ts';
import { endAllInDocker, endNamedInDocker } from '../docker/end-docker.ts';
import { listDockerConnections } from '../docker/helpers.ts';
import { isListening } from '../daemon/user-daemon-client.ts';
import type { CliContext } from '../context.ts';
import type { RunCommand } from './command-spec.ts';

/** Its objects are taken out of the cluster first, as far as that can be reached. */
const endMs = 30_000;

/** `telepresence quit [-s]` */
export const runQuit: RunCommand = async (context, line) => {
  // Of several, those that are named; without a name all, for whoever wants to be sure.
  if (context.use !== undefined && (await listDockerConnections(context)).length > 0) {
    await endNamedInDocker(context);
    context.print('Disconnected');
    return 0;
  }
  const endedInDocker = await endAllInDocker(context);
  const daemon = await findHostDaemon(context);
  const wasConnected =
    (daemon !== undefined &&
      (await callWithin(context, endMs, (signal) => daemon.disconnect({}, { signal })))
        .wasConnected) ||
    endedInDocker;
  context.print(wasConnected ? 'Disconnected' : 'Not connected');
  return line.on('stop-daemons') ? await stopDaemons(context) : 0;
};

async function stopDaemons(context: CliContext): Promise<number> {
  const { rootDaemonSocket } = context.places;
  const daemon = await findHostDaemon(context);
  const root = await isListening(rootDaemonSocket);
  if (daemon === undefined && !root) {
    context.print('Telepresence Daemons have already quit');
    return 0;
  }
  // The user daemon first: it takes its objects out of the cluster while there are routes.
  if (daemon !== undefined) await call(async () => await ending(daemon.quit({})));
  if (root) await call(async () => await ending(createRootDaemonClient(rootDaemonSocket).quit({})));
  context.print('Telepresence Daemons quitting...done');
  return 0;
}

/** A daemon may be gone before its answer is. */
async function ending(quit: Promise<unknown>): Promise<void> {
  await quit.catch((error: unknown) => {
    if (!(error instanceof DaemonCallError) || error.code !== 'Lost') throw error;
  });
}
