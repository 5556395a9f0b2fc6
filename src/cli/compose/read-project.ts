import { parseComposeDocument, type ComposeDocument } from '#compose/document.ts';
import { ComposeError } from '#compose/errors.ts';
import type { CliContext } from '../context.ts';
import { docked } from '../docker/docker-failure.ts';
import { CliError } from '../errors.ts';
import type { ComposeCommand } from './compose-command.ts';
import type { ComposeSource } from './compose-source.ts';
import type { ComposeWords } from './compose-words.ts';

/** The project as Compose itself understands it: merged, interpolated, with the wanted profiles. */
export async function readProject(
  { signal }: CliContext,
  { docker }: ComposeCommand,
  of: {
    readonly source: ComposeSource;
    readonly words: Pick<ComposeWords, 'reading'>;
    readonly warn: (line: string) => void;
  },
): Promise<ComposeDocument> {
  const { source, words, warn } = of;
  // Its JSON has not what services say of themselves (x-telepresence).
  const args = ['compose', ...source.words, ...words.reading, 'config', '--format=yaml'];
  const options = { signal, cwd: source.cwd, mayFail: true };
  const { status, stdout, stderr } = await docked(async () => await docker.run(args, options));
  const said = stderr.split('\n').map(sentence).filter(Boolean);
  if (status !== 0) {
    const why = said.at(-1) ?? `it ended with exit code ${String(status)}`;
    throw new CliError(
      'Failed',
      `docker compose does not accept the project in ${source.cwd}: ${why}`,
      {
        hint: `look at it: docker compose ${[...source.words, ...words.reading].join(' ')} config`,
      },
    );
  }
  for (const line of said) warn(line);
  return composed(() => parseComposeDocument(stdout));
}

/** What its log says: `time="…" level=warning msg="…"`. */
function sentence(line: string): string {
  const message = /\bmsg=(".*")\s*$/.exec(line)?.[1];
  if (message === undefined) return line.trim();
  try {
    const read: unknown = JSON.parse(message);
    return typeof read === 'string' ? read : line;
  } catch {
    return line;
  }
}

/** Runs a rule of Compose's, with what it refuses as the CLI prints it. */
export function composed<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ComposeError)) throw error;
    const { message, hint } = error;
    throw new CliError('Failed', message, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
