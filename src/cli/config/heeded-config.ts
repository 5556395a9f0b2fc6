import type { CliContext } from '../context.ts';
import { readClientConfig, type FoundConfig } from './client-config.ts';

/** What `config.yml` says; a name in it that is none is told, whatever the command is. */
export async function heededConfig(
  context: Pick<CliContext, 'places' | 'warn'>,
): Promise<FoundConfig> {
  const found = await readClientConfig(context.places.config);
  for (const { note, sentence } of found.notes) {
    if (note.kind === 'unknown') context.warn(`telepresence: warning: ${sentence}`);
  }
  return found;
}

/** Tells in one line what of the files means nothing here: nobody has made a mistake. */
export function tellMeaningless(context: Pick<CliContext, 'warn'>, { notes }: FoundConfig): void {
  const without = notes.filter(({ note }) => note.kind === 'meaningless');
  if (without.length === 0) return;
  const files = [...new Set(without.map(({ file }) => file))].join(', ');
  const names = without.map(({ note }) => note.path).join(', ');
  context.warn(
    `telepresence: warning: ${files}: without a meaning here: ${names} (why: telepresence config view --client-only)`,
  );
}
