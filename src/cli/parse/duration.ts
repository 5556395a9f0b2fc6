import { durationMs } from '#base/duration.ts';
import { CliError } from '../errors.ts';

/** The duration that was typed for a flag. */
export function flagDuration(flag: string, typed: string): number {
  const ms = durationMs(typed);
  if (ms !== undefined) return ms;
  throw new CliError(
    'Usage',
    `invalid argument "${typed}" for "--${flag}": it is a duration, such as 90s or 1h30m`,
  );
}
