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
  /** Aborts at Ctrl-C and SIGTERM, unless `signals` are taken over. */
  readonly signal: AbortSignal;
  /** Gives SIGINT, SIGTERM and SIGHUP to `receive` instead, until disposed. */
  takeSignals(receive: (signal: NodeJS.Signals) => void): Disposable;
  /** A line on stdout. */
  print(line: string): void;
  /** A line on stderr: only for what is not well. */
  warn(line: string): void;
}

/** Where Node and our programs are. */
export interface Programs {
  readonly node: string;
  /** Shown to people as the executable. */
  readonly executable: string;
  readonly userDaemon: string;
  readonly rootDaemon: string;
}
