import { isList, isMap } from './value-kind.ts';

/** More than anybody writes by hand, and little to a program. */
const deepest = 64;
const mostValues = 100_000;

/** Checks that what is handed on as it is has an end: aliases can make a few lines endless. */
export function checkFree(value: unknown, wrong: (message: string, allowed: string) => void): void {
  let left = mostValues;
  const isBounded = (part: unknown, depth: number): boolean => {
    left -= 1;
    if (left < 0 || depth > deepest) return false;
    if (isList(part)) return part.every((one) => isBounded(one, depth + 1));
    return !isMap(part) || Object.values(part).every((one) => isBounded(one, depth + 1));
  };
  if (!isBounded(value, 0)) {
    wrong('holds too much, or itself', `${mostValues} values, ${deepest} in one another`);
  } else if (holdsNul(value)) wrong('holds the character NUL', 'texts without it');
}

/** No program can be given it. */
function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (isList(value)) return value.some(holdsNul);
  return (
    isMap(value) && Object.entries(value).some(([key, one]) => key.includes('\0') || holdsNul(one))
  );
}
