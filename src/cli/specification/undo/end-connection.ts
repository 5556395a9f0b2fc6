import { describe } from '#base/errors.ts';
import type { CliContext } from '../../context.ts';
import { findHostDaemon } from '../../daemon/session.ts';
import { helperOf, helperSockets } from '../../docker/helpers.ts';
import { helperSockets as socketsOf } from '#docker/helper-socket.ts';
import type { UndoStepOf } from './undo-step.ts';

const endMs = 30_000;

/** Ends a connection that a run has made, unless it has ended; never throws. */
export async function endConnection(
  context: CliContext,
  { connection }: Pick<UndoStepOf<'disconnect'>, 'connection'>,
): Promise<void> {
  const signal = AbortSignal.timeout(endMs);
  try {
    if (connection === undefined) {
      await (await findHostDaemon(context))?.disconnect({}, { signal });
    } else if (await isThere(context, connection)) {
      await helperOf(context, { connection }).quit({}, { signal });
    }
  } catch (error) {
    // It may be gone before its answer is.
    if (connection !== undefined && !(await isThere(context, connection).catch(() => true))) return;
    const which = connection === undefined ? '' : ` ${connection}`;
    const why = describe(error);
    context.warn(
      `telepresence intercept run: warning: the connection${which} could not be ended (${why}); end it: telepresence quit`,
    );
  }
}

/** Whether a helper of that connection listens. */
export async function isThere(
  context: Pick<CliContext, 'places'>,
  connection: string,
): Promise<boolean> {
  const { runtimeDir, platform } = context.places;
  const { live } = await helperSockets(context);
  return live.includes(socketsOf(runtimeDir, platform).pathOf(connection));
}
