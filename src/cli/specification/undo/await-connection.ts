import type { CliContext } from '../../context.ts';
import { isThere } from './end-connection.ts';
import type { UndoStepOf } from './undo-step.ts';

/** A helper that was started listens within this, or never. */
const comingMs = 20_000;
const lookMs = 300;

/** Waits for the helper of a connection that may be about to be made, as long as it may take. */
export async function awaitConnection(
  context: Pick<CliContext, 'clock' | 'signal' | 'places'>,
  { connection, mayCome }: UndoStepOf<'disconnect'>,
): Promise<void> {
  const { clock, signal } = context;
  if (connection === undefined || !mayCome) return;
  const until = clock.monotonic() + comingMs;
  while (!(await isThere(context, connection)) && clock.monotonic() < until) {
    await clock.sleep(lookMs, signal);
  }
}
