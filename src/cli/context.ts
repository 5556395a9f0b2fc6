import type { Clock } from '#base/clock.ts';
import type { Places } from './daemon/places.ts';

/** The machine as a command sees it; tests put another one in its place. */
export interface CliContext {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly uid: number;
  readonly places: Places;
  /** How the programs are started: Node and the file of each. */
  readonly programs: Programs;
  /** Whether a person is there to answer sudo's question. */
  readonly interactive: boolean;
  /** Whether a terminal gives Ctrl-C to each program that this one runs, wherever their output goes. */
  readonly hasTerminal: () => boolean;
  /** Aborts at Ctrl-C and SIGTERM, unless `signals` are taken over. */
  readonly signal: AbortSignal;
  /** `--use`: which connection is meant, where there are several. */
  readonly use?: string | undefined;
  /** Gives SIGINT, SIGTERM and SIGHUP to `receive` instead, until disposed. */
  takeSignals(receive: (signal: NodeJS.Signals) => void): Disposable;
  /** Whether the output is for a program: `show` keeps objects then, and nothing else is printed. */
  readonly formatted: boolean;
  /** Whether each object that is emitted is a line of its own. */
  readonly streaming: boolean;
  /** A result: its lines for people, or the object for programs. */
  show(shown: Shown): void;
  /** One object of many, at once. */
  emit(object: unknown): void;
  /** Prints what is still kept: somebody else is to write to stdout now. */
  flush(): void;
  /** What comes by standard input, to its end. */
  readInput(): Promise<string>;
  /** The line that a person answers to a question; empty where none comes. Only where `interactive`. */
  ask(question: string): Promise<string>;
  /** A line on stdout. */
  print(line: string): void;
  /** A line on stderr: only for what is not well. */
  warn(line: string): void;
}

/** What a command has found out. */
export interface Shown {
  readonly text: readonly string[];
  /** Left out: programs get the text. */
  readonly object?: unknown;
  /** Without the envelope that other results come in. */
  readonly bare?: boolean;
}

/** Where Node and our programs are. */
export interface Programs {
  readonly node: string;
  /** Shown to people as the executable. */
  readonly executable: string;
  /** This program itself. */
  readonly cli: string;
  readonly userDaemon: string;
  readonly rootDaemon: string;
  readonly dockerHelper: string;
  /** The directory above `dist`, or `src` in a checkout. */
  readonly packageRoot: string;
}
