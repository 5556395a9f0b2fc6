import { labelsOf, placeOf } from '../handler/place.ts';
import type { RunConnection } from '../specification/handlers/handler-kind.ts';

/** The labels, `NAME=VALUE`, of what a run makes for services in the network of a connection. */
export function projectLabels(
  run: { readonly id: string; readonly laptop: string },
  { inDocker }: Pick<RunConnection, 'inDocker'>,
): readonly string[] {
  return inDocker === undefined ? [] : labelsOf({ ...run, place: placeOf(inDocker) });
}

/** `NAME=VALUE` as names with values. */
export function readLabels(labels: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    labels.map((label) => {
      const at = label.indexOf('=');
      return [label.slice(0, at), label.slice(at + 1)];
    }),
  );
}
