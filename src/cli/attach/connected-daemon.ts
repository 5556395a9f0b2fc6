import type { CliContext } from '../context.ts';
import { openConnection, refuseBesideHost } from '../daemon/open-connection.ts';
import { call, findDaemon, type FoundDaemon } from '../daemon/session.ts';
import { findDockerDaemon } from '../docker/helpers.ts';
import type { Engagement } from './engagement.ts';

/** The daemon, connected: for those who are not yet, as `connect` without flags would. */
export async function connectedDaemon(
  context: CliContext,
  { command, settings }: Pick<Engagement, 'command' | 'settings'>,
  wantsDocker: boolean,
): Promise<FoundDaemon> {
  const { signal } = context;
  const running = await findDaemon(context);
  if (running !== undefined) {
    const { daemon, inDocker } = running;
    const { connection } = await call(async () => await daemon.status({}, { signal }));
    // Also where it is lost: what is to be done then is the daemon's to say.
    if (connection !== undefined && (inDocker !== undefined || !wantsDocker)) return running;
    if (connection !== undefined) await refuseBesideHost(context);
  }
  context.warn(
    `Warning: You are executing the "telepresence ${command}" command without a preceding "telepresence connect", ` +
      'causing an implicit connect to take place. The implicit connect behavior is deprecated and will be removed in a future release.',
  );
  const managerNamespace = context.env['TELEPRESENCE_MANAGER_NAMESPACE'] ?? '';
  const options = { found: settings, inDocker: wantsDocker };
  const { daemon } = await openConnection(context, { managerNamespace }, options);
  return { daemon, inDocker: wantsDocker ? await findDockerDaemon(context) : undefined };
}
