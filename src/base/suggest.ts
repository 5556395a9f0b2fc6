/** The known words that someone who typed `word` probably meant, nearest first. */
export function suggest(word: string, known: readonly string[]): readonly string[] {
  const typed = word.toLowerCase();
  return known
    .map((name) => ({ name, distance: distanceTo(name.toLowerCase(), typed) }))
    .filter(({ distance, name }) => distance <= Math.min(tooFar - 1, name.length - 1))
    .toSorted((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .map(({ name }) => name);
}

const tooFar = 3;

function distanceTo(name: string, typed: string): number {
  if (name.startsWith(typed)) return 0;
  // Whoever typed a page of text did not mean a word.
  return Math.abs(name.length - typed.length) >= tooFar ? tooFar : editDistance(typed, name);
}

/** How many letters must be put in, taken out, replaced or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a.charAt(i - 1) === b.charAt(j - 1);
      let best = Math.min(at(row, j - 1) + 1, at(last, j) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (
        i > 1 &&
        j > 1 &&
        a.charAt(i - 1) === b.charAt(j - 2) &&
        a.charAt(i - 2) === b.charAt(j - 1)
      ) {
        best = Math.min(best, at(beforeLast, j - 2) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.MAX_SAFE_INTEGER;
}
