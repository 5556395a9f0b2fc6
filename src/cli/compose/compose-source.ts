import { readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { describe, systemCode } from '#base/errors.ts';
import type { ComposeSpec } from '#spec/compose-spec.ts';
import { CliError } from '../errors.ts';
import type { ComposeWords } from './compose-words.ts';

/** Where a project's document comes from. */
export interface ComposeSource {
  /** Flags of `docker compose` that name it. */
  readonly words: readonly string[];
  /** Where it is run; relative paths start there. */
  readonly cwd: string;
}

/** As Compose looks for them. */
const usual = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/** The file or directory that the specification names, or a file made of the document that it holds. */
export async function findSource(
  spec: ComposeSpec,
  where: {
    /** From where the specification's paths start. */
    readonly base: string;
    readonly words: Pick<ComposeWords, 'hasFile'>;
    /** For a file of ours. */
    readonly directory: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Promise<ComposeSource> {
  const { base, words, directory, env } = where;
  const path = resolve(base, spec.context ?? '.');
  const found = await stat(path).catch((error: unknown) => {
    const why = systemCode(error) === 'ENOENT' ? 'there is no such file' : describe(error);
    throw new CliError('Failed', `compose.context ${path}: ${why}`, {
      cause: error,
      hint: `it is a Compose file or its directory, from ${base} on`,
    });
  });
  if (spec.spec !== undefined) {
    if (!found.isDirectory()) {
      throw new CliError(
        'Failed',
        `compose.context ${path} is a file, and there is compose.spec too`,
        {
          hint: 'leave one of the two out; beside spec, context is the directory that paths start from',
        },
      );
    }
    const file = join(directory, 'compose.spec.yaml');
    await writeFile(file, stringify(spec.spec), { mode: 0o600 });
    return { words: [`--project-directory=${path}`, `--file=${file}`], cwd: path };
  }
  if (!found.isDirectory()) return { words: [`--file=${path}`], cwd: dirname(path) };
  if (words.hasFile || env['COMPOSE_FILE']) return { words: [], cwd: path };
  const names = await readdir(path);
  if (names.some((name) => usual.includes(name))) return { words: [], cwd: path };
  const [only, ...others] = names.filter((name) => /-compose\.ya?ml$/.test(name)).toSorted();
  if (only !== undefined && others.length === 0) {
    return { words: [`--file=${join(path, only)}`], cwd: path };
  }
  throw new CliError(
    'Failed',
    only === undefined
      ? `there is no Compose file in ${path}`
      : `there are several Compose files in ${path}: ${[only, ...others].join(', ')}`,
    { hint: `name it: compose.context; or call it ${usual[0] ?? ''}` },
  );
}
