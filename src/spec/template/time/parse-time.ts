import type { ByteText } from '../byte-text.ts';
import { toText } from '../byte-text.ts';
import { fault } from '../template-error.ts';
import { quoteGo } from '../text/quote.ts';
import { chunks } from './chunks.ts';
import { GoTime } from './go-time.ts';
import { months, weekdays } from './layout.ts';
import { offsetAt } from './zone.ts';

/** What has been read of a date so far. */
interface Read {
  year: number;
  month: number;
  day: number;
  yearDay: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanos: number;
  afternoon: boolean | undefined;
  offset: number | undefined;
  zone: string | undefined;
}

/** How a part of a layout is read: what it looks like, and what is learnt from it. */
interface Reader {
  readonly pattern: RegExp;
  readonly take: (read: Read, text: string) => string | undefined;
}

/** Days in a month of a year. */
function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

function number(
  pattern: RegExp,
  name: string,
  range: readonly [number, number],
  set: (read: Read, value: number) => void,
): Reader {
  return {
    pattern,
    take: (read, text) => {
      const value = Number(text.trim());
      if (value < range[0] || value > range[1]) return `: ${name} out of range`;
      set(read, value);
      return undefined;
    },
  };
}

function word(names: readonly string[], set: (read: Read, index: number) => void): Reader {
  return {
    pattern: new RegExp(`^(?:${names.join('|')})`, 'i'),
    take: (read, text) => {
      set(
        read,
        names.findIndex((name) => name.toLowerCase() === text.toLowerCase()),
      );
      return undefined;
    },
  };
}

const one = /^[0-9]{1,2}/;
const two = /^[0-9]{2}/;
const setMonth = (read: Read, value: number): void => void (read.month = value);
const setDay = (read: Read, value: number): void => void (read.day = value);
const setHour = (read: Read, value: number): void => void (read.hour = value);
const setMinute = (read: Read, value: number): void => void (read.minute = value);
const setSecond = (read: Read, value: number): void => void (read.second = value);
const setYearDay = (read: Read, value: number): void => void (read.yearDay = value);
const short = (names: readonly string[]): string[] => names.map((name) => name.slice(0, 3));

const readers: ReadonlyMap<string, Reader> = new Map([
  ['2006', number(/^[0-9]{4}/, 'year', [0, 9999], (read, value) => void (read.year = value))],
  [
    '06',
    number(two, 'year', [0, 99], (read, value) => {
      read.year = value >= 69 ? 1900 + value : 2000 + value;
    }),
  ],
  ['1', number(one, 'month', [1, 12], setMonth)],
  ['01', number(two, 'month', [1, 12], setMonth)],
  ['January', word(months, (read, index) => void (read.month = index + 1))],
  ['Jan', word(short(months), (read, index) => void (read.month = index + 1))],
  ['Monday', word(weekdays, () => undefined)],
  ['Mon', word(short(weekdays), () => undefined)],
  ['2', number(one, 'day', [0, 31], setDay)],
  ['_2', number(/^ ?[0-9]{1,2}/, 'day', [0, 31], setDay)],
  ['02', number(two, 'day', [0, 31], setDay)],
  ['002', number(/^[0-9]{3}/, 'day-of-year', [1, 366], setYearDay)],
  ['__2', number(/^ {0,2}[0-9]{1,3}/, 'day-of-year', [1, 366], setYearDay)],
  ['15', number(one, 'hour', [0, 23], setHour)],
  ['3', number(one, 'hour', [0, 12], setHour)],
  ['03', number(two, 'hour', [0, 12], setHour)],
  ['4', number(one, 'minute', [0, 59], setMinute)],
  ['04', number(two, 'minute', [0, 59], setMinute)],
  ['5', number(one, 'second', [0, 59], setSecond)],
  ['05', number(two, 'second', [0, 59], setSecond)],
  ['PM', word(['AM', 'PM'], (read, index) => void (read.afternoon = index === 1))],
  ['pm', word(['am', 'pm'], (read, index) => void (read.afternoon = index === 1))],
  ['MST', zoneName()],
]);

function zoneName(): Reader {
  return {
    pattern: /^(?:[A-Z]{3,5}|[+-][0-9]{2,4})/,
    take: (read, text) => {
      read.zone = text;
      return undefined;
    },
  };
}

function offset(part: string): Reader {
  const colon = part.includes(':') ? ':' : '';
  const count = part.replaceAll(/[^0-9]/g, '').length / 2;
  const digits = Array.from({ length: count }, () => '[0-9]{2}').join(colon);
  const zulu = part.startsWith('Z') ? 'Z|' : '';
  return {
    pattern: new RegExp(`^(?:${zulu}[+-]${digits})`),
    take: (read, text) => {
      const numbers = [...text.matchAll(/[0-9]{2}/g)].map(Number);
      const size = (numbers[0] ?? 0) * 3600 + (numbers[1] ?? 0) * 60 + (numbers[2] ?? 0);
      read.offset = text.startsWith('-') ? -size : size;
      return undefined;
    },
  };
}

function fraction(read: Read, rest: string, length: number | undefined): string | undefined {
  const match = /^[.,]([0-9]+)/.exec(rest);
  if (match === null || (length !== undefined && match[1]?.length !== length)) return undefined;
  read.nanos = Number((match[1] ?? '').slice(0, 9).padEnd(9, '0'));
  return rest.slice(match[0].length);
}

/** Reads a date written in a layout of Go's; without a zone of its own it is one of `zone`. */
export function parseTime(layoutBytes: ByteText, textBytes: ByteText, zone: string): GoTime {
  const layout = toText(layoutBytes);
  const text = toText(textBytes);
  const read: Read = {
    year: 0,
    month: 1,
    day: 1,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanos: 0,
    afternoon: undefined,
    offset: undefined,
    zone: undefined,
  };
  const wrong = (rest: string, part: string): Error =>
    fault(
      `parsing time ${quoteGo(text)} as ${quoteGo(layout)}: cannot parse ${quoteGo(rest)} as ${quoteGo(part)}`,
    );
  let rest = text;
  for (const chunk of chunks(layout)) {
    const part = chunk.text;
    if (chunk.literal) {
      if (!rest.startsWith(part)) throw wrong(rest, part);
      rest = rest.slice(part.length);
      continue;
    }
    if (/^[.,]/.test(part)) {
      const after = fraction(read, rest, part[1] === '0' ? part.length - 1 : undefined);
      if (after === undefined && part[1] === '0') throw wrong(rest, part);
      rest = after ?? rest;
      continue;
    }
    const reader = readers.get(part) ?? offset(part);
    const match = reader.pattern.exec(rest);
    if (match === null) throw wrong(rest, part);
    const trouble = reader.take(read, match[0]);
    if (trouble !== undefined) throw fault(`parsing time ${quoteGo(text)}${trouble}`);
    rest = rest.slice(match[0].length);
    // Go reads a fraction behind the seconds though the layout has none.
    if ((part === '5' || part === '05') && !/^[.,](?:0+|9+)/.test(layout.split(part)[1] ?? '')) {
      rest = fraction(read, rest, undefined) ?? rest;
    }
  }
  if (rest !== '') {
    throw fault(`parsing time ${quoteGo(text)}: extra text: ${quoteGo(rest)}`);
  }
  return assemble(read, text, zone);
}

function assemble(read: Read, text: string, zone: string): GoTime {
  if (read.day < 1 || read.day > daysIn(read.year, read.month)) {
    throw fault(`parsing time ${quoteGo(text)}: day out of range`);
  }
  let hour = read.hour;
  if (read.afternoon === true && hour < 12) hour += 12;
  else if (read.afternoon === false && hour === 12) hour = 0;
  const date = new Date(0);
  if (read.yearDay === undefined) date.setUTCFullYear(read.year, read.month - 1, read.day);
  else date.setUTCFullYear(read.year, 0, read.yearDay);
  const midnight = BigInt(date.getTime()) / 1000n;
  const wall = midnight + BigInt(hour * 3600 + read.minute * 60 + read.second);
  const [place, east] = zoneOf(read, zone, wall);
  return new GoTime((wall - BigInt(east)) * 1_000_000_000n + BigInt(read.nanos), place);
}

function zoneOf(read: Read, zone: string, wall: bigint): readonly [string, number] {
  if (read.offset !== undefined) {
    if (read.offset === 0 && (read.zone === undefined || read.zone === 'UTC')) return ['UTC', 0];
    const here = offsetAt(zone, wall - BigInt(read.offset));
    if (here === read.offset && zone !== 'UTC') return [zone, here];
    return [`fixed:${read.offset}:${read.zone ?? ''}`, read.offset];
  }
  if (read.zone !== undefined) {
    return read.zone === 'UTC' ? ['UTC', 0] : [`fixed:0:${read.zone}`, 0];
  }
  // The offset of a wall clock: that of the moment if it were UTC, and once more with that offset.
  const guess = offsetAt(zone, wall);
  return [zone, offsetAt(zone, wall - BigInt(guess))];
}
