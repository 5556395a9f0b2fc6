import { injectAnnotations } from './resources.ts';

/** What the owner of a workload says about agents in it, by the annotations of its pod template. */
export function injectionWish(
  annotations: Readonly<Record<string, string>>,
): 'enabled' | 'disabled' | undefined {
  const said = injectAnnotations.map((name) => annotations[name]);
  if (said.some((value) => value === 'disabled' || value === 'false')) return 'disabled';
  return said.some((value) => value === 'enabled' || value === 'true') ? 'enabled' : undefined;
}
