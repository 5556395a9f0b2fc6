import * as v from 'valibot';
import type { CliContext } from '../../context.ts';
import { awaitConnection } from './await-connection.ts';
import { endConnection } from './end-connection.ts';
import { endProcessGroup } from './end-process-group.ts';
import { leaveIntercept } from './leave-intercept.ts';
import { removeOwnFile } from './remove-own-file.ts';
import { runDeletion } from './run-deletion.ts';
import { runUndoCommand } from './run-undo-command.ts';
import { undoStepShape, type UndoStep } from './undo-step.ts';

/** Undoes what a killed run has done, one after the other as they come; one that fails keeps none of the others. */
export async function undoSteps(
  context: CliContext,
  steps: readonly unknown[],
  run: { readonly id: string; readonly directory: string },
): Promise<void> {
  for (const written of steps) {
    const step = v.safeParse(undoStepShape, written);
    if (!step.success) continue;
    await undoStep(context, step.output, run).catch(() => {});
  }
}

async function undoStep(
  context: CliContext,
  step: UndoStep,
  run: { readonly id: string; readonly directory: string },
): Promise<void> {
  switch (step.kind) {
    case 'process-group':
      await endProcessGroup(context, step);
      return;
    case 'command':
      await runUndoCommand(context, step);
      return;
    case 'delete':
      await runDeletion(context, step, run);
      return;
    case 'leave':
      await leaveIntercept(context, step);
      return;
    case 'disconnect':
      await awaitConnection(context, step);
      await endConnection(context, step);
      return;
    case 'own-file':
      await removeOwnFile(step);
      return;
  }
}
