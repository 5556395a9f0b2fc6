import type { Matches } from './nodes.ts';

const perl = new Map<string, Matches>([
  ['d', (letter) => /^[0-9]$/.test(letter)],
  ['s', (letter) => /^[\t\n\f\r ]$/.test(letter)],
  ['w', (letter) => /^[0-9A-Za-z_]$/.test(letter)],
]);

const posix = new Map<string, RegExp>([
  ['alnum', /^[0-9A-Za-z]$/],
  ['alpha', /^[A-Za-z]$/],
  ['ascii', /^\p{ASCII}$/u],
  ['blank', /^[\t ]$/],
  ['cntrl', /^(?=\p{ASCII})\p{Cc}$/u],
  ['digit', /^[0-9]$/],
  ['graph', /^[!-~]$/],
  ['lower', /^[a-z]$/],
  ['print', /^[ -~]$/],
  ['punct', /^[!-/:-@[-`{-~]$/],
  ['space', /^[\t\n\v\f\r ]$/],
  ['upper', /^[A-Z]$/],
  ['word', /^[0-9A-Za-z_]$/],
  ['xdigit', /^[0-9A-Fa-f]$/],
]);

/** What does not match. */
export function not(matches: Matches): Matches {
  return (letter) => !matches(letter);
}

/** `\d`, `\S`…; undefined where the letter means no class. */
export function perlClass(letter: string): Matches | undefined {
  const matches = perl.get(letter.toLowerCase());
  if (matches === undefined) return undefined;
  return letter === letter.toLowerCase() ? matches : not(matches);
}

/** `[:alpha:]` and `[:^alpha:]`, by the name between the colons. */
export function posixClass(name: string): Matches | undefined {
  const pattern = posix.get(name.replace(/^\^/, ''));
  if (pattern === undefined) return undefined;
  const matches: Matches = (letter) => pattern.test(letter);
  return name.startsWith('^') ? not(matches) : matches;
}

/** `\p{Greek}`, `\pL`: general categories and scripts; undefined for a name that is neither. */
export function unicodeClass(name: string): Matches | undefined {
  if (name === 'Any') return () => true;
  if (!/^[A-Za-z_]+$/.test(name)) return undefined;
  for (const property of [`General_Category=${name}`, `Script=${name}`]) {
    // Go knows the short names of categories and the long names of scripts.
    if (property.startsWith('General') ? name.length > 2 : name.length <= 2) continue;
    try {
      const pattern = new RegExp(`^\\p{${property}}$`, 'u');
      return (letter) => pattern.test(letter);
    } catch {
      continue;
    }
  }
  return undefined;
}

/** A class that does not tell capitals from small letters. */
export function folded(matches: Matches): Matches {
  return (letter) => {
    if (matches(letter)) return true;
    const lower = letter.toLowerCase();
    return matches(lower) || matches(letter.toUpperCase()) || matches(lower.toUpperCase());
  };
}
