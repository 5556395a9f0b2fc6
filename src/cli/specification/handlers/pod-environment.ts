import type { ServedIntercept } from './handler-kind.ts';

/** The pods' environments, of several the first one's value, with the specification's laid over them. */
export function podEnvironment(
  served: readonly Pick<ServedIntercept, 'info'>[],
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const pods = served.toReversed().map(({ info }) => info.environment);
  const merged: Record<string, string> = {};
  for (const variables of [...pods, own]) Object.assign(merged, variables);
  return merged;
}
