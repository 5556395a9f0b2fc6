import { logLevels, type LogLevel } from '#base/log.ts';
import type { Connection, ConnectionStatus } from '#protocol/resources.ts';

/** What a Connection's user asks for, while its time is not over. */
export function lastingLevel(
  { logLevel }: Pick<ConnectionStatus, 'logLevel'>,
  nowMs: number,
): ConnectionStatus['logLevel'] {
  const until = logLevel?.until;
  return until === undefined || Date.parse(until) > nowMs ? logLevel : undefined;
}

/** The most talkative level that a Connection asks for at this time; undefined where none does. */
export function askedLogLevel(
  connections: Iterable<Pick<Connection, 'status'>>,
  nowMs: number,
): LogLevel | undefined {
  const asked = [...connections].flatMap(({ status }) => {
    const level = lastingLevel(status, nowMs)?.level;
    return level === undefined ? [] : [logLevels.indexOf(level)];
  });
  return logLevels[Math.max(-1, ...asked)];
}
