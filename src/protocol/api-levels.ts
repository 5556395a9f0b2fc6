/**
 * The levels of the API between laptop and manager that a program speaks. A change that the other
 * side must know of raises `newest`; `oldest` follows when the old way is given up.
 */
export interface ApiLevels {
  readonly oldest: number;
  readonly newest: number;
}

/** Ours. */
export const apiLevels: ApiLevels = { oldest: 1, newest: 2 };

/** From this level on a manager heeds `Intercept.spec.mode`; an older one would take the traffic. */
export const modesLevel = 2;

/** How two programs fit: whether they have a level in common, and if not, which of us is behind. */
export function compareLevels(theirs: ApiLevels, ours: ApiLevels): 'fit' | 'older' | 'newer' {
  if (theirs.newest < ours.oldest) return 'older';
  if (theirs.oldest > ours.newest) return 'newer';
  return 'fit';
}
