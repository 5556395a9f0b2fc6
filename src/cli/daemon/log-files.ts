const usual = 5;

/** How many log files each daemon keeps, the one that it writes included. */
export function logFiles(env: Readonly<Record<string, string | undefined>>): number {
  const wanted = Number(env['TELEPRESENCE_MAX_LOGFILES']);
  return Number.isInteger(wanted) && wanted >= 1 && wanted <= 1000 ? wanted : usual;
}
