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
  readonly level: LogLevel;
  readonly fields?: LogFields;
}

interface LogDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly write: (line: string) => void;
}

/** A logger that writes one JSON object a line. */
export function createLogger(deps: LogDeps, options: LogOptions): Logger {
  const threshold = logLevels.indexOf(options.level);
  const at =
    (level: LogLevel) =>
    (event: string, fields?: LogFields): void => {
      if (logLevels.indexOf(level) > threshold) return;
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

/** A logger that drops everything. */
export const silentLogger: Logger = createLogger(
  { clock: { now: () => 0 }, write: () => {} },
  { level: 'error' },
);
