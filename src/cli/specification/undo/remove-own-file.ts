import { createHash } from 'node:crypto';
import { readFile, rm, truncate } from 'node:fs/promises';
import type { UndoStepOf } from './undo-step.ts';

/** By what a text is known again that is not kept. */
export const digestOf = (text: string | Buffer): string =>
  createHash('sha256').update(text).digest('hex');

/** Removes what was written, unless somebody has put something else in its place. */
export async function removeOwnFile({
  path,
  fresh,
  digest,
  isLinked,
}: UndoStepOf<'own-file'>): Promise<void> {
  await rm(fresh, { force: true });
  const there = await readFile(path).catch(() => undefined);
  if (there === undefined || digestOf(there) !== digest) return;
  // A link would lead nowhere.
  if (isLinked) await truncate(path);
  else await rm(path, { force: true });
}
