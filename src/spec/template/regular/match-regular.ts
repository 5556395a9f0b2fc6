import type { Budget } from '../budget.ts';
import type { Step } from './compile-regular.ts';
import type { Assertion } from './nodes.ts';

/** Where the whole and its groups begin and end; undefined where a group was not met. */
export type Found = readonly (number | undefined)[];

interface Thread {
  readonly step: number;
  readonly slots: Found;
}

/**
 * Finds the first match from a place on. All ways are followed at once, so the time is that of the
 * text times that of the expression, whatever the expression is (Thompson's construction).
 */
export function matchRegular(
  steps: readonly Step[],
  letters: readonly string[],
  from: number,
  budget: Budget,
): Found | undefined {
  let threads: Thread[] = [];
  let found: Found | undefined;
  for (let at = from; at <= letters.length; at++) {
    const seen = new Set<number>();
    const current: Thread[] = [];
    for (const thread of threads) follow(steps, letters, at, thread, seen, current, budget);
    if (found === undefined) {
      const start = { step: 0, slots: [at, undefined] };
      follow(steps, letters, at, start, seen, current, budget);
    }
    if (current.length === 0 && found !== undefined) break;
    const next: Thread[] = [];
    for (const { step, slots } of current) {
      budget.step();
      const instruction = steps[step];
      if (instruction?.kind === 'match') {
        found = slots.with(1, at);
        // What comes later is less preferred.
        break;
      }
      const letter = letters[at];
      if (instruction?.kind === 'letter' && letter !== undefined && instruction.matches(letter)) {
        next.push({ step: step + 1, slots });
      }
    }
    threads = next;
    if (threads.length === 0 && found !== undefined) break;
  }
  return found;
}

/** Adds the steps that wait for a letter, in the order in which they are preferred. */
function follow(
  steps: readonly Step[],
  letters: readonly string[],
  at: number,
  start: Thread,
  seen: Set<number>,
  into: Thread[],
  budget: Budget,
): void {
  const waiting: Thread[] = [start];
  for (let thread = waiting.pop(); thread !== undefined; thread = waiting.pop()) {
    const { step, slots } = thread;
    if (seen.has(step)) continue;
    seen.add(step);
    budget.step();
    const instruction = steps[step];
    switch (instruction?.kind) {
      case 'jump':
        waiting.push({ step: instruction.to, slots });
        break;
      case 'split':
        waiting.push({ step: instruction.second, slots }, { step: instruction.first, slots });
        break;
      case 'save':
        waiting.push({ step: step + 1, slots: saved(slots, instruction.slot, at) });
        break;
      case 'assert':
        if (holds(instruction.assertion, letters, at)) waiting.push({ step: step + 1, slots });
        break;
      case 'letter':
      case 'match':
        into.push(thread);
        break;
      case undefined:
    }
  }
}

function saved(slots: Found, slot: number, at: number): Found {
  const copy = [...slots];
  while (copy.length <= slot) copy.push(undefined);
  copy[slot] = at;
  return copy;
}

function isWord(letter: string | undefined): boolean {
  return letter !== undefined && /^[0-9A-Za-z_]$/.test(letter);
}

function holds(assertion: Assertion, letters: readonly string[], at: number): boolean {
  const between = isWord(letters[at - 1]) !== isWord(letters[at]);
  switch (assertion) {
    case 'textStart':
      return at === 0;
    case 'textEnd':
      return at === letters.length;
    case 'lineStart':
      return at === 0 || letters[at - 1] === '\n';
    case 'lineEnd':
      return at === letters.length || letters[at] === '\n';
    case 'word':
      return between;
    case 'notWord':
      break;
  }
  return !between;
}
