import type { RunCommand } from './command-spec.ts';

/** A command that only has others beneath it: its help is printed before this is reached. */
export const runGroup: RunCommand = async () => await Promise.resolve(0);
