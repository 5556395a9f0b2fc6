import type { CliContext } from '../../context.ts';
import type { UndoStepOf } from './undo-step.ts';

const lookMs = 100;

/** Ends a group of processes: SIGTERM, and SIGKILL for what is there after its time. */
export async function endProcessGroup(
  { clock, signal }: Pick<CliContext, 'clock' | 'signal'>,
  { pid, graceSeconds }: UndoStepOf<'process-group'>,
): Promise<void> {
  const until = clock.monotonic() + graceSeconds * 1000;
  if (!give(pid, 'SIGTERM')) return;
  while (clock.monotonic() < until) {
    await clock.sleep(lookMs, signal);
    if (!give(pid, 0)) return;
  }
  give(pid, 'SIGKILL');
}

/** Whether there was anybody to get it. */
function give(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
