import { describe } from '#base/errors.ts';
import type { CliContext } from '../context.ts';
import type { BegunRun } from './begin-specification-run.ts';
import type { SharedByHandlers } from './handler-context.ts';
import type { Interrupts } from './interrupts.ts';
import type { PlannedPrerequisite, RunPlan } from './plan.ts';
import { runToEnd, type Reached } from './run-to-end.ts';

/** What is written down of a specification, for whoever has to read it again. */
export interface ReadDocument {
  /** After its templates were expanded. */
  readonly document: string;
  /** Of its file. */
  readonly name: string;
}

/** What went wrong while all was taken back. */
export interface Aftermath {
  /** Exit code of the first that failed. */
  status: number;
}

interface Of extends ReadDocument {
  readonly run: BegunRun;
  readonly shared: SharedByHandlers;
  readonly interrupts: Interrupts;
  readonly aftermath: Aftermath;
}

/**
 * Runs each `create` to its end before the next; returns the exit code of the first that fails. What
 * undoes one that has succeeded is run for certain, in the opposite order; so is what undoes one that
 * we have stopped, which may have made half of it.
 */
export async function runPrerequisites(
  cli: CliContext,
  plan: Pick<RunPlan, 'prerequisites'>,
  of: Of,
  undo: AsyncDisposableStack,
): Promise<number> {
  const { run, shared, interrupts } = of;
  const { end: stop, hurry: kill } = interrupts;
  for (const one of plan.prerequisites) {
    const { create: handler } = one;
    const crossOut = writeDeletion(one, of);
    const traces = run.tracesOf(handler.name);
    const reached: Reached = { progress: 'waits' };
    try {
      const status = await runToEnd(cli, shared, { handler, traces, stop, kill, reached });
      await run.sweep();
      // Also where it had succeeded, though it was told to stop.
      stop.throwIfAborted();
      if (status !== 0) {
        cli.warn(
          `telepresence intercept run: prerequisite ${handler.name} ended with exit code ${String(status)}, so nothing is intercepted`,
        );
        return status;
      }
    } finally {
      if (mayHaveMade(reached, stop)) {
        undo.defer(async () => {
          await deleteOne(cli, one, of);
          crossOut();
        });
      } else crossOut();
    }
  }
  return 0;
}

/** Whether there is something to undo: of one that failed by itself, it is its own to leave nothing. */
function mayHaveMade({ progress }: Reached, stop: AbortSignal): boolean {
  if (progress === 'waits') return false;
  return stop.aborted || progress === 'runs' || progress === 0;
}

/** Written before `create` begins: killed between its end and ours, nobody would know that it succeeded. */
function writeDeletion(one: PlannedPrerequisite, { run, shared, document, name }: Of): () => void {
  if (one.delete === undefined) return () => {};
  const connection = shared.connections[0]?.inDocker?.connection;
  return run.journal.write({
    kind: 'delete',
    handler: one.delete.name,
    document,
    name,
    directory: shared.directory,
    connection,
  });
}

/** Not ended by Ctrl-C: only the third one, which is somebody's who knows what he leaves. */
async function deleteOne(
  cli: CliContext,
  { delete: handler }: PlannedPrerequisite,
  { run, shared, interrupts, aftermath }: Of,
): Promise<void> {
  if (handler === undefined) return;
  const traces = run.tracesOf(handler.name);
  const { force } = interrupts;
  const unhurried = { ...cli, signal: force };
  let why: string | undefined;
  try {
    const status = await runToEnd(unhurried, shared, { handler, traces, stop: force, kill: force });
    if (status !== 0) {
      if (aftermath.status === 0) aftermath.status = status;
      why = `ended with exit code ${String(status)}`;
    }
  } catch (error) {
    if (aftermath.status === 0) aftermath.status = 1;
    why = `failed: ${describe(error)}`;
  }
  if (why !== undefined) {
    cli.warn(
      `telepresence intercept run: warning: ${handler.name}, which undoes a prerequisite, ${why}`,
    );
  }
  await run.sweep();
}
