import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';

import { systemCode } from '#base/errors.ts';

import type { AsOwner } from './unix-listener.ts';

/** A log that cannot grow without end: `FILE`, then `FILE.1` (the last before it) and so on. */
export interface LogFile extends Disposable {
  /** Appends at once; a full disk loses lines, never the program. */
  write(text: string): void;
}

interface Options {
  readonly path: string;
  /** How many files there may be, this one included. */
  readonly files: number;
  /** How long one of them may get. */
  readonly longestBytes?: number;
}

const longest = 10 * 1024 * 1024;

/**
 * Opens a log that is its owner's alone (0600). When it is full its text is copied to `FILE.1` and
 * the file itself is emptied, so that others who hold it open for their last words write on into it.
 */
export function openLogFile(deps: { readonly asOwner: AsOwner }, options: Options): LogFile {
  const { path, longestBytes = longest } = options;
  const older = Math.max(0, options.files - 1);
  const file = deps.asOwner(() => {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const opened = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    chmodSync(path, 0o600);
    return opened;
  });
  let bytes = fstatSync(file).size;

  const rotate = (): void => {
    deps.asOwner(() => {
      for (let index = older; index > 1; index -= 1) {
        move(`${path}.${String(index - 1)}`, `${path}.${String(index)}`);
      }
      if (older === 0) return;
      rmSync(`${path}.1`, { force: true });
      copyFileSync(path, `${path}.1`, constants.COPYFILE_EXCL);
    });
    ftruncateSync(file);
    bytes = 0;
  };

  return {
    write(text) {
      try {
        if (bytes + Buffer.byteLength(text) > longestBytes && bytes > 0) rotate();
        bytes += writeSync(file, text);
      } catch {
        // There is nobody who could be told.
      }
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/** Where a program's lines go that nobody watches: into its log file, or where it has none, to `otherwise`. */
export function openOwnLog(
  file: { readonly path: string | undefined; readonly files: string | undefined },
  otherwise: { write(text: string): unknown },
): (line: string) => void {
  const { path, files = 5 } = file;
  if (path === undefined) return (line) => void otherwise.write(line);
  const log = openLogFile({ asOwner: (run) => run() }, { path, files: Number(files) });
  return (line) => log.write(line);
}
