import { telepresence, type RunOptions } from '../run.ts';

const tries = 4;

/** Runs a command that a machine with too much to do may let fail: what is tested comes after it. */
export async function patiently(words: readonly string[], options: RunOptions = {}): Promise<void> {
  for (let left = tries; left > 1; left -= 1) {
    const { status, stderr } = await telepresence(words, { ...options, mayFail: true });
    if (status === 0) return;
    console.log(`again: ${words.join(' ')}: ${stderr.trim()}`);
  }
  await telepresence(words, options);
}
