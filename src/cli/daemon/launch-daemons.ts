import type { CliContext } from '../context.ts';
import { launchRootDaemon, prepareRootDaemon } from './launch-root-daemon.ts';
import { launchUserDaemon } from './launch-user-daemon.ts';
import { checkMachine } from './machine-lacks.ts';
import { isListening } from './user-daemon-client.ts';

/** Starts whichever of the two daemons does not run, both at once. */
export async function launchDaemons(
  context: CliContext,
  levels: { readonly userDaemon: string; readonly rootDaemon: string },
): Promise<void> {
  const { places } = context;
  const [user, root] = await Promise.all([
    isListening(places.userDaemonSocket),
    isListening(places.rootDaemonSocket),
  ]);
  if (!root) await checkMachine();
  if (!user) context.print('Launching Telepresence User Daemon');
  if (!root) {
    context.print('Launching Telepresence Root Daemon');
    // Without root rights nothing is started.
    await prepareRootDaemon(context);
  }
  const userStarted = user ? Promise.resolve() : launchUserDaemon(context, levels.userDaemon);
  // Whatever happens to the root daemon first, this one's failure must have somebody who waits.
  userStarted.catch(() => {});
  if (!root) await launchRootDaemon(context, levels.rootDaemon);
  await userStarted;
}
