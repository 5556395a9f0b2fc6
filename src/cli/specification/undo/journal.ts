import type { UndoStep } from './undo-step.ts';

/** What is to be undone is written down here before it is done: a process that outlives this one reads it. */
export interface Journal {
  /** Returns what crosses it out, once it has been undone or was never done. */
  write(step: UndoStep): () => void;
}
