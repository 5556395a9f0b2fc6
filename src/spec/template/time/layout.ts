import type { ByteText } from '../byte-text.ts';
import { chunks } from './chunks.ts';
import type { GoTime } from './go-time.ts';
import { fieldsOf } from './zone.ts';
import type { TimeFields } from './zone.ts';

/** Months as Go writes them. */
export const months: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Days of the week as Go writes them. */
export const weekdays: readonly string[] = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
];

const pad = (value: number, width: number, fill = '0'): string =>
  String(value).padStart(width, fill);

const year = ({ year }: TimeFields): string => (year < 0 ? `-${pad(-year, 4)}` : pad(year, 4));
const twelve = ({ hour }: TimeFields): number => (hour % 12 === 0 ? 12 : hour % 12);

const writers: ReadonlyMap<string, (time: TimeFields) => string> = new Map([
  ['January', (time) => months[time.month - 1] ?? ''],
  ['Jan', (time) => (months[time.month - 1] ?? '').slice(0, 3)],
  ['1', (time) => String(time.month)],
  ['01', (time) => pad(time.month, 2)],
  ['Monday', (time) => weekdays[time.weekday] ?? ''],
  ['Mon', (time) => (weekdays[time.weekday] ?? '').slice(0, 3)],
  ['2', (time) => String(time.day)],
  ['_2', (time) => pad(time.day, 2, ' ')],
  ['02', (time) => pad(time.day, 2)],
  ['__2', (time) => pad(time.yearDay, 3, ' ')],
  ['002', (time) => pad(time.yearDay, 3)],
  ['15', (time) => pad(time.hour, 2)],
  ['3', (time) => String(twelve(time))],
  ['03', (time) => pad(twelve(time), 2)],
  ['4', (time) => String(time.minute)],
  ['04', (time) => pad(time.minute, 2)],
  ['5', (time) => String(time.second)],
  ['05', (time) => pad(time.second, 2)],
  ['2006', year],
  ['06', (time) => pad(Math.abs(time.year) % 100, 2)],
  ['PM', (time) => (time.hour >= 12 ? 'PM' : 'AM')],
  ['pm', (time) => (time.hour >= 12 ? 'pm' : 'am')],
  ['MST', (time) => time.zoneName],
]);

/** A time as a layout of Go's wants it. */
export function formatTime(time: GoTime, layout: ByteText): ByteText {
  const fields = fieldsOf(time);
  return chunks(layout)
    .map(({ literal, text }) => (literal ? text : writePart(fields, text)))
    .join('');
}

function writePart(fields: TimeFields, part: string): string {
  const writer = writers.get(part);
  if (writer !== undefined) return writer(fields);
  if (/^[.,]/.test(part)) return writeFraction(fields.nanos, part);
  return writeOffset(fields.offsetSeconds, part);
}

function writeFraction(nanos: number, part: string): string {
  const digits = pad(nanos, 9)
    .slice(0, part.length - 1)
    .padEnd(part.length - 1, '0');
  if (part[1] === '0') return `${part[0]}${digits}`;
  const short = digits.replace(/0+$/, '');
  return short === '' ? '' : `${part[0]}${short}`;
}

function writeOffset(offset: number, part: string): string {
  if (part.startsWith('Z') && offset === 0) return 'Z';
  const size = Math.abs(offset);
  const numbers = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60];
  const count = part.replaceAll(/[^0-9]/g, '').length / 2;
  const shown = numbers.slice(0, count).map((number) => pad(number, 2));
  return `${offset < 0 ? '-' : '+'}${shown.join(part.includes(':') ? ':' : '')}`;
}

/** A time as Go prints it unasked. */
export function showTime(time: GoTime): ByteText {
  return formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST');
}
