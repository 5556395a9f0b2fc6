/**
 * The domain that `--dns-search` gives to containers on a bridge: resolvers append it to names of a
 * single label, which they would not ask for as they are. It is no domain of anybody's.
 */
export const containerSearch = 'tel2-search';

/** The name (lower case) to which it was appended; undefined where it was not. */
export function withoutContainerSearch(name: string): string | undefined {
  const end = `.${containerSearch}`;
  return name.endsWith(end) && name.length > end.length ? name.slice(0, -end.length) : undefined;
}
