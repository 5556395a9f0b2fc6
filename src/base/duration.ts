const unitMs: ReadonlyMap<string, number> = new Map([
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]);

/** What Go's own durations end at: 292 years. */
const longestMs = 9_223_372_036_854;

/** Milliseconds of a duration as Go writes it: `90s`, `1h30m`, `0`; undefined where it is none. */
export function durationMs(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number = '', , unit = ''] of text.matchAll(/(\d+(\.\d+)?)(h|ms|m|s)/g)) {
    total += Number(number) * (unitMs.get(unit) ?? 0);
  }
  return total <= longestMs ? Math.round(total) : undefined;
}
