const most = 8;

/** Names as a person can take them in: all of a few, the first of many and how many more there are. */
export function someOf(names: readonly string[]): string {
  // `and 1 more` would take the place of that one.
  if (names.length <= most + 1) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${String(names.length - most)} more`;
}
