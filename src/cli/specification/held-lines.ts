import type { CliContext } from '../context.ts';

/** Lines that wait for their turn. */
export interface HeldLines {
  print(line: string): void;
  warn(line: string): void;
  /** From now on, and for all that wait, in their order. */
  open(): void;
}

/** Keeps what is printed until it is opened. */
export function heldLines({ print, warn }: Pick<CliContext, 'print' | 'warn'>): HeldLines {
  let held: (() => void)[] | undefined = [];
  const when = (say: () => void): void => {
    if (held === undefined) say();
    else held.push(say);
  };
  return {
    print: (line) => when(() => print(line)),
    warn: (line) => when(() => warn(line)),
    open: () => {
      const waiting = held ?? [];
      held = undefined;
      for (const say of waiting) say();
    },
  };
}
