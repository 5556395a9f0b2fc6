import { CliError } from '../errors.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';

/** A container that is to answer. */
export interface HandlerAsked {
  /** What is said to `docker run`. */
  readonly words: readonly string[];
  /** What its image is built of, where it is. */
  readonly build: BuildAsked | undefined;
  /** Whether a debugger is to run in it. */
  readonly forDebugger: boolean;
}

/** An image that is to be built. */
export interface BuildAsked {
  /** A folder, or what else `docker build` takes for one. */
  readonly context: string;
  /** `--key=value`, one after the other. */
  readonly options: readonly string[];
}

/** The flags of a handler, or undefined where none is asked for. */
export function readHandlerAsked(line: ParsedLine): HandlerAsked | undefined {
  const contexts = [line.text('docker-build'), line.text('docker-debug')];
  const [folder, ...more] = contexts.filter((one) => one !== undefined);
  if (more.length > 0) {
    throw new CliError('Usage', 'only one of --docker-build and --docker-debug can be used');
  }
  const typed = line.list('docker-build-opt');
  if (folder === undefined && typed.length > 0) {
    throw new CliError('Usage', '--docker-build-opt says how an image is built, and none is', {
      hint: 'add --docker-build FOLDER',
    });
  }
  if (folder === undefined && !line.on('docker-run')) return undefined;
  if (line.command === undefined) throw imageMissing(folder);
  const build =
    folder === undefined ? undefined : { context: folder, options: buildOptions(typed) };
  if (build?.context === '') {
    throw new CliError('Usage', 'the folder that the image is built of is missing');
  }
  return { words: line.command, build, forDebugger: line.given('docker-debug') };
}

function imageMissing(folder: string | undefined): CliError {
  return folder === undefined
    ? new CliError('Usage', 'the image of the container is missing', {
        hint: 'it is: --docker-run -- [FLAGS OF docker run] IMAGE [ARGS...]',
      })
    : new CliError('Usage', 'the word IMAGE is missing, which stands for the image that is built', {
        hint: 'it is: --docker-build FOLDER -- [FLAGS OF docker run] IMAGE [ARGS...]',
      });
}

/** `key=value` as `docker build` wants it: `--key=value`, `--key`, and of one letter `-k=value`. */
function buildOptions(typed: readonly string[]): readonly string[] {
  return typed.map((option) => {
    const [, key = '', value] = /^-*([^=]*)(?:=(.*))?$/s.exec(option) ?? [];
    if (!/^[a-z][a-z0-9-]*$/i.test(key)) {
      throw new CliError(
        'Usage',
        `invalid argument "${option}" for "--docker-build-opt": it is KEY=VALUE, or KEY`,
      );
    }
    if (key === 'iidfile') {
      throw new CliError('Usage', '--docker-build-opt iidfile is not possible', {
        hint: "the image's ID is read from a file of telepresence's own",
      });
    }
    return `${key.length === 1 ? '-' : '--'}${key}${value === undefined ? '' : `=${value}`}`;
  });
}
