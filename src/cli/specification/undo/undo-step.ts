import * as v from 'valibot';

const text = v.string();
const texts = v.array(text);
const environment = v.record(text, text);

/** One thing that a run has done, and how it is undone where the run itself cannot any more. */
export const undoStepShape = v.variant('kind', [
  /** Ends a process with all that it has started: it leads a group. */
  v.object({ kind: v.literal('process-group'), pid: v.number(), graceSeconds: v.number() }),
  /** Runs a command to its end; that it fails is no reason to stop. */
  v.object({ kind: v.literal('command'), words: texts, directory: text, environment }),
  /** Runs a handler to its end: the `delete` of a prerequisite. */
  v.object({ kind: v.literal('delete'), handler: v.unknown(), directory: text, connection: text }),
  /** Gives an intercept back; the connection's name is empty where it is this machine's own. */
  v.object({ kind: v.literal('leave'), connection: text, name: text, id: text }),
  /** Ends a connection; empty: this machine's own. */
  v.object({ kind: v.literal('disconnect'), connection: text }),
]);

/** The same. */
export type UndoStep = v.InferOutput<typeof undoStepShape>;
