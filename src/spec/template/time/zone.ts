import type { GoTime } from './go-time.ts';

/** A moment taken apart, in its zone. */
export interface TimeFields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly yearDay: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanos: number;
  readonly offsetSeconds: number;
  readonly zoneName: string;
}

/** Whether this machine knows a zone. */
export function knowsZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Seconds east of UTC at a moment. */
export function offsetAt(zone: string, seconds: bigint): number {
  if (zone === 'UTC') return 0;
  const fixed = /^fixed:([+-]?[0-9]+):/.exec(zone);
  if (fixed !== null) return Number(fixed[1]);
  const name = zonePart(zone, seconds, 'longOffset', 'en-US');
  const match = /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name);
  if (match === null) return 0;
  const size = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return match[1] === '-' ? -size : size;
}

function zonePart(
  zone: string,
  seconds: bigint,
  timeZoneName: 'short' | 'longOffset',
  locale: string,
): string {
  const format = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName });
  const parts = format.formatToParts(new Date(Number(seconds) * 1000));
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

/** Short names that the zone database has; others that Intl gives are its own. */
const known: ReadonlySet<string> = new Set(
  (
    'EST EDT CST CDT MST MDT PST PDT AKST AKDT HST GMT BST IST CET CEST EET EEST WET WEST ' +
    'SAST AEST AEDT ACST ACDT AWST NZST NZDT UTC'
  ).split(' '),
);

/** Names that the zone database has and Intl has not; those without summer time. */
const others = new Map([
  ['Asia/Tokyo', 'JST'],
  ['Asia/Seoul', 'KST'],
  ['Asia/Hong_Kong', 'HKT'],
  ['Asia/Shanghai', 'CST'],
  ['Asia/Taipei', 'CST'],
  ['Asia/Manila', 'PST'],
  ['Asia/Jakarta', 'WIB'],
  ['Asia/Karachi', 'PKT'],
  ['Europe/Moscow', 'MSK'],
  ['Africa/Lagos', 'WAT'],
  ['Africa/Nairobi', 'EAT'],
]);

/** The zone's short name: each locale knows those of its own part of the world. */
function nameAt(zone: string, seconds: bigint, offset: number): string {
  if (zone === 'UTC') return 'UTC';
  const minutes = Math.abs(offset) / 60;
  const hours = `${offset < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}`;
  const rest = String(Math.floor(minutes) % 60).padStart(2, '0');
  if (zone.startsWith('fixed:')) return zone.split(':')[2] || hours + rest;
  const other = others.get(zone);
  if (other !== undefined) return other;
  for (const locale of ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA']) {
    const name = zonePart(zone, seconds, 'short', locale);
    if (known.has(name) && (name !== 'GMT' || offset === 0)) return name;
  }
  return rest === '00' ? hours : hours + rest;
}

/** A moment taken apart. */
export function fieldsOf(time: GoTime): TimeFields {
  const seconds = time.seconds();
  const offsetSeconds = offsetAt(time.zone, seconds);
  const shown = new Date((Number(seconds) + offsetSeconds) * 1000);
  const year = shown.getUTCFullYear();
  const first = new Date(0);
  first.setUTCFullYear(year, 0, 1);
  return {
    year,
    month: shown.getUTCMonth() + 1,
    day: shown.getUTCDate(),
    weekday: shown.getUTCDay(),
    yearDay: Math.floor((shown.getTime() - first.getTime()) / 86_400_000) + 1,
    hour: shown.getUTCHours(),
    minute: shown.getUTCMinutes(),
    second: shown.getUTCSeconds(),
    nanos: time.fraction(),
    offsetSeconds,
    zoneName: nameAt(time.zone, seconds, offsetSeconds),
  };
}
