import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe } from '#base/errors.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';

import { envSyntaxes, envText, jsonEnvFile, type EnvSyntax } from '../output/env-syntax.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';

/** Where the container's environment is to be written, and how. */
interface EnvironmentFiles {
  readonly text: string | undefined;
  readonly syntax: EnvSyntax;
  readonly json: string | undefined;
}

/** `--env-file`, `--env-syntax` and `--env-json`, checked. */
export function readEnvironmentFiles(line: ParsedLine): EnvironmentFiles {
  const typed = line.text('env-syntax') ?? 'docker';
  const syntax = envSyntaxes.find((each) => each === typed);
  if (syntax === undefined) {
    throw new CliError(
      'Usage',
      `invalid argument "${typed}" for "--env-syntax": one of ${envSyntaxes.join(', ')}`,
    );
  }
  if (line.given('env-syntax') && !line.given('env-file')) {
    throw new CliError('Usage', '--env-syntax says how --env-file is written, which is missing');
  }
  return { text: line.text('env-file'), syntax, json: line.text('env-json') };
}

/** Writes the environment where it is wanted; what a syntax cannot say is named. */
export async function writeEnvironment(
  context: CliContext,
  files: EnvironmentFiles & { readonly command: string },
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  if (files.text !== undefined) {
    const { text, left } = envText(files.syntax, environment);
    await write(context, files.text, text);
    for (const name of left) {
      context.warn(
        `telepresence ${files.command}: warning: ${name} is left out of ${files.text}: the syntax ${files.syntax} cannot say it (--env-json can)`,
      );
    }
  }
  if (files.json !== undefined) await write(context, files.json, jsonEnvFile(environment));
}

/** The environment holds secrets: the file is its owner's alone. */
async function write(context: CliContext, path: string, text: string): Promise<void> {
  try {
    await writeFile(resolve(context.cwd, path), text, { mode: 0o600 });
  } catch (error) {
    throw new CliError('Failed', `write ${path}: ${describe(error)}`, { cause: error });
  }
}
