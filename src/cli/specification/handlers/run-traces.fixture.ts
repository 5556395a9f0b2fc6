import type { Journal } from '../undo/journal.ts';
import type { UndoStep } from '../undo/undo-step.ts';
import type { RunTraces } from './handler-kind.ts';

/** For tests: traces of a run; nobody watches it but who wants to hear of doubts. */
export function runTraces(
  id: string,
  directory: string,
  doubt: RunTraces['watcher']['doubt'] = () => {},
): RunTraces {
  return {
    id,
    directory,
    watcher: { runs: () => {}, doubt },
    usedVolumes: new Set(),
    usedProjects: new Set(),
  };
}

/** For tests: a journal whose steps, and their crossing out, can be read in order. */
export function recordingJournal(): {
  readonly journal: Journal;
  readonly steps: (UndoStep | 'crossed out')[];
} {
  const steps: (UndoStep | 'crossed out')[] = [];
  const write: Journal['write'] = (step) => {
    steps.push(step);
    return () => void steps.push('crossed out');
  };
  return { journal: { write }, steps };
}
