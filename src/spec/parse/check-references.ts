import { suggest } from '#base/suggest.ts';
import type { Referred } from '../schema/shape.ts';
import type { Reference, Report } from './check-shape.ts';
import type { Parts } from './parts.ts';
import { orList, quoted } from './words.ts';

/** Reports what names a part that is not there. */
export function checkReferences(
  references: readonly Reference[],
  parts: Parts,
  report: Report,
): void {
  const known: Record<Referred, readonly string[]> = {
    handler: parts.handlers.map(({ name }) => name),
    intercept: parts.intercepts.map(({ name }) => name),
    connection: parts.connections.flatMap(({ name }) => name ?? []),
  };
  for (const { to, name, path } of references) {
    // Without any handler that is said already.
    if (known[to].includes(name) || (to === 'handler' && known[to].length === 0)) continue;
    const [near] = suggest(name, known[to]);
    report({
      path,
      message: `must reference an existing ${to} name: there is no ${quoted(name)}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
      allowed:
        known[to].length === 0 ? `none: no ${to} has a name` : orList([...new Set(known[to])]),
    });
  }
}
