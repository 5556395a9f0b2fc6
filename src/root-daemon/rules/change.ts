import type { ElementChange } from '#host/nft-text.ts';

import type { Endpoint } from '../plan.ts';
import type { Rules } from './rules.ts';
import { endpointText, openServicesSet, rulesText } from './rules-text.ts';

/** How to get from one set of rules to another. */
export type RulesChange =
  | { readonly kind: 'none' }
  | { readonly kind: 'elements'; readonly changes: readonly ElementChange[] }
  | { readonly kind: 'table'; readonly body: string };

/**
 * The smallest change: Services come and go all the time, and only elements move for them;
 * anything else is a new table in one transaction.
 */
export function rulesChange(before: Rules | undefined, after: Rules): RulesChange {
  const body = rulesText(after);
  if (before === undefined) return { kind: 'table', body };
  if (rulesText({ ...before, openServices: [] }) !== rulesText({ ...after, openServices: [] })) {
    return { kind: 'table', body };
  }
  const changes = [
    ...missingIn(after.openServices, before.openServices, 'delete'),
    ...missingIn(before.openServices, after.openServices, 'add'),
  ];
  return changes.length === 0 ? { kind: 'none' } : { kind: 'elements', changes };
}

function missingIn(
  have: readonly Endpoint[],
  candidates: readonly Endpoint[],
  kind: 'add' | 'delete',
): ElementChange[] {
  const known = new Set(have.map(endpointText));
  return candidates
    .filter((one) => !known.has(endpointText(one)))
    .map((one) => ({
      kind,
      set: openServicesSet[one.address.family],
      element: endpointText(one),
    }));
}
