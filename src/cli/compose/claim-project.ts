import type { Journal } from '../specification/undo/journal.ts';
import { sameProject } from './free-project.ts';

/** Names of projects by the journal of a run, which all of its handlers share. */
const claimed = new WeakMap<Journal, Set<string>>();

/** Refuses a project that another handler of the run has, before anything is intercepted. */
export function claimProject(run: Journal, project: string): Disposable {
  const names = claimed.get(run) ?? new Set<string>();
  if (names.has(project)) throw sameProject(project);
  claimed.set(run, names.add(project));
  return { [Symbol.dispose]: () => void names.delete(project) };
}
