import { writeFile } from 'node:fs/promises';
import { describe } from '#base/errors.ts';

/**
 * Measures, prints the table of all that came in, and writes it to a file if that is asked for: also
 * where the measuring failed or was interrupted, which is said and is exit code 1.
 */
export async function finish(options: {
  readonly measure: () => Promise<void>;
  readonly table: () => string;
  readonly json: string | undefined;
  /** What the file holds. */
  readonly content: object;
}): Promise<void> {
  try {
    await options.measure();
  } catch (error) {
    process.stderr.write(`bench: ${describe(error)}\n`);
    process.exitCode = 1;
  }
  process.stdout.write(`\n${options.table()}\n`);
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(options.content, null, 1)}\n`);
  }
}
