import type { CliContext } from '../../context.ts';
import { dockerDaemonClient, findHostDaemon } from '../../daemon/session.ts';
import { knownDockerConnections } from '../../docker/helpers.ts';
import type { UndoStepOf } from './undo-step.ts';

const leaveMs = 30_000;

/** Gives an intercept back; the daemon has done so itself perhaps, when its holder was killed. */
export async function leaveIntercept(
  context: CliContext,
  { connection, name, id }: UndoStepOf<'leave'>,
): Promise<void> {
  const signal = AbortSignal.timeout(leaveMs);
  const known = connection === undefined ? [] : await knownDockerConnections(context);
  const own = known.find((one) => one.connection === connection);
  const daemon =
    connection === undefined ? await findHostDaemon(context) : own && dockerDaemonClient(own);
  await daemon?.leave({ name, id }, { signal });
}
