import type { Clock } from './clock.ts';

/** Levels in the words of telepresence's `loglevel`. */
export const logLevels = ['error', 'warning', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** An event and its facts. Never give it a secret, a token or a pod's environment. */
export interface Logger {
  error(event: string, fields?: LogFields): void;
  warning(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  trace(event: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

interface LogOptions {
  /** Fixed, or a switch that may be turned while the program runs. */
  readonly level: LogLevel | Pick<LevelSwitch, 'level'>;
  readonly fields?: LogFields;
}

interface LogDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly write: (line: string) => void;
}

/** A logger that writes one JSON object a line. */
export function createLogger(deps: LogDeps, options: LogOptions): Logger {
  const { level: given } = options;
  const threshold = (): number =>
    logLevels.indexOf(typeof given === 'string' ? given : given.level);
  const at =
    (level: LogLevel) =>
    (event: string, fields?: LogFields): void => {
      if (logLevels.indexOf(level) > threshold()) return;
      const time = new Date(deps.clock.now()).toISOString();
      deps.write(`${JSON.stringify({ time, level, event, ...options.fields, ...fields })}\n`);
    };
  return {
    error: at('error'),
    warning: at('warning'),
    info: at('info'),
    debug: at('debug'),
    trace: at('trace'),
    child: (fields) => createLogger(deps, { ...options, fields: { ...options.fields, ...fields } }),
  };
}

/** A level that can be turned while the program runs, for good or for a while. */
export interface LevelSwitch {
  readonly level: LogLevel;
  /** Turns it now; after `ms` it is back where it began, unless that is 0. */
  set(level: LogLevel, ms: number): void;
  /** Back to where it began, now. */
  reset(): void;
}

/** A switch that begins at `first`. */
export function createLevelSwitch(
  deps: { readonly clock: Pick<Clock, 'after'> },
  first: LogLevel,
): LevelSwitch {
  let level = first;
  let back: Disposable | undefined;
  const turn = (next: LogLevel): void => {
    back?.[Symbol.dispose]();
    back = undefined;
    level = next;
  };
  return {
    get level() {
      return level;
    },
    set(next, ms) {
      turn(next);
      if (ms > 0) back = deps.clock.after(ms, () => turn(first));
    },
    reset: () => turn(first),
  };
}

/** Turns a switch as somebody else has it, for as long as they do (`''`: back), and logs that it did. */
export function turnLevel(
  deps: { readonly level: LevelSwitch | undefined; readonly log: Logger },
  name: string,
): void {
  const { level, log } = deps;
  if (level === undefined) return;
  const before = level.level;
  const next = logLevel(name);
  if (next === undefined) level.reset();
  else level.set(next, 0);
  const now = level.level;
  if (now === before) return;
  // Seen in a log at either level, unless both are less than this.
  const isQuiet = logLevels.indexOf(now) < logLevels.indexOf('info');
  log[isQuiet ? 'error' : 'info']('log level changed', { to: now });
}

/** The level of this name, or undefined. */
export function logLevel(name: string): LogLevel | undefined {
  return logLevels.find((each) => each === name);
}

/** A logger that drops everything. */
export const silentLogger: Logger = createLogger(
  { clock: { now: () => 0 }, write: () => {} },
  { level: 'error' },
);
