import { CliError } from '../errors.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';

/** A container that is to answer. */
export interface HandlerAsked {
  /** What is said to `docker run`. */
  readonly words: readonly string[];
}

/** The flags of a handler, or undefined where none is asked for. */
export function readHandlerAsked(line: ParsedLine): HandlerAsked | undefined {
  if (!line.on('docker-run')) return undefined;
  if (line.command === undefined) {
    throw new CliError('Usage', 'the image of the container is missing', {
      hint: 'it is: --docker-run -- [FLAGS OF docker run] IMAGE [ARGS...]',
    });
  }
  return { words: line.command };
}
