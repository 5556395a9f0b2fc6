import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { describe, systemCode } from '#base/errors.ts';
import { CliError } from '../errors.ts';
import type { ConfigPlaces } from './config-places.ts';
import { configSchema, type ClientConfig } from './config-schema.ts';
import type { ConfigNote } from './parse-config.ts';

/** The configuration, and what stands in the files without being heeded. */
export interface FoundConfig {
  readonly config: ClientConfig;
  readonly notes: readonly ConfigNote[];
}

/** Reads the user's `config.yml`, laid over the machine's; a file that is not there says nothing. */
export async function readClientConfig({ user, machine }: ConfigPlaces): Promise<FoundConfig> {
  let typed: unknown;
  const notes: ConfigNote[] = [];
  for (const path of [...machine.toReversed(), user]) {
    const text = await textOf(path);
    if (text.trim() === '') continue;
    // The YAML library takes longer to load than most commands run.
    const { parseConfig, laidOver } = await import('./parse-config.ts');
    const found = parseConfig(path, text);
    typed = laidOver(typed, found.typed);
    notes.push(...found.notes);
  }
  return { config: v.parse(configSchema, typed ?? {}), notes };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return '';
    throw new CliError('Usage', `${path}: ${describe(error)}`, {
      cause: error,
      hint: 'mend that file, or remove it',
    });
  }
}
