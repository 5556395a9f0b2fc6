import { sameProject } from './free-project.ts';

/** Refuses a project that another handler of the run has, before anything is intercepted. */
export function claimProject(used: Set<string>, project: string): Disposable {
  if (used.has(project)) throw sameProject(project);
  used.add(project);
  return { [Symbol.dispose]: () => void used.delete(project) };
}
