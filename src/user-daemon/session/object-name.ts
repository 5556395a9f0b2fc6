// No vowels and nothing that looks like another: what is random must not spell.
const letters = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const longest = 63 - suffixLength - 1;

/** A DNS label of `text` with five random letters after it, for `metadata.name`. */
export function objectName(text: string, randomInt: (below: number) => number): string {
  const label = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-+|-+$/g, '');
  const suffix = Array.from({ length: suffixLength }, () =>
    letters.charAt(randomInt(letters.length)),
  ).join('');
  return `${label === '' ? 'x' : label}-${suffix}`;
}
