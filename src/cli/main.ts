import { closeSync, openSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { systemClock } from '#base/clock.ts';
import type { CliContext } from './context.ts';
import { findPlaces } from './daemon/places.ts';
import { CliError } from './errors.ts';
import { runCli } from './run.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function buildContext(): CliContext {
  const uid = process.getuid?.() ?? 0;
  const { TELEPRESENCE_EXECUTABLE: launcher, ...env } = process.env;
  const interrupted = new AbortController();
  let receive: ((signal: NodeJS.Signals) => void) | undefined;
  for (const name of signals) {
    process.on(name, () => {
      if (receive === undefined) interrupted.abort(new CliError('Interrupted', 'interrupted'));
      else receive(name);
    });
  }
  return {
    clock: systemClock,
    env,
    cwd: process.cwd(),
    uid,
    places: findPlaces({ env, home: homedir(), uid, platform: process.platform }),
    programs: findPrograms(launcher),
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    hasTerminal,
    signal: interrupted.signal,
    takeSignals(taker) {
      receive = taker;
      return {
        [Symbol.dispose]: () => {
          receive = undefined;
        },
      };
    },
    formatted: false,
    streaming: false,
    show: ({ text: lines }) => {
      for (const line of lines) print(line);
    },
    emit: (object) => print(JSON.stringify(object)),
    flush: () => {},
    readInput: async () => await text(process.stdin),
    ask: async (question) => await askOnTerminal(question, interrupted.signal),
    print,
    warn: (line) => {
      process.stderr.write(`${line}\n`);
    },
  };
}

/** A question on stderr, as stdout may be for a program; Ctrl-C ends it as it ends all else. */
async function askOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = Promise.withResolvers<string>();
    terminal.once('close', () => answer.resolve(''));
    terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    signal.addEventListener('abort', () => terminal.close(), { once: true });
    terminal.question(question, (line) => answer.resolve(line));
    return await answer.promise;
  } finally {
    terminal.close();
    signal.throwIfAborted();
  }
}

/** There is a terminal where it can be opened by the name that each process has for its own. */
function hasTerminal(): boolean {
  if (process.platform === 'win32') return process.stdin.isTTY && process.stderr.isTTY;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** The other programs lie beside this one: sources beside a source, bundles beside a bundle. */
function findPrograms(launcher: string | undefined): CliContext['programs'] {
  const here = import.meta.dirname;
  const beside = import.meta.filename.endsWith('.ts')
    ? (name: string): string => join(here, '..', name, 'main.ts')
    : (name: string): string => join(here, `${name}.mjs`);
  return {
    node: process.execPath,
    executable: launcher ?? import.meta.filename,
    cli: import.meta.filename,
    userDaemon: beside('user-daemon'),
    rootDaemon: beside('root-daemon'),
    dockerHelper: beside('docker-helper'),
    packageRoot: import.meta.filename.endsWith('.ts') ? join(here, '..', '..') : join(here, '..'),
  };
}

// `telepresence list | head` closes the pipe; what is left to print is nobody's loss.
process.stdout.on('error', () => process.exit(0));
process.exit(await runCli(buildContext(), process.argv.slice(2)));
