import { toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { fn0, fn1, fn2, fn3 } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { parseGoDuration, showGoDuration } from '../time/duration.ts';
import { GoTime, ofSeconds, zeroTime } from '../time/go-time.ts';
import { formatTime } from '../time/layout.ts';
import { parseTime } from '../time/parse-time.ts';
import { knowsZone } from '../time/zone.ts';
import { toBytes } from '../byte-text.ts';
import { parseInteger } from '../text/parse-number.ts';
import { GoInt } from '../values.ts';
import type { Value } from '../values.ts';

const second = 1_000_000_000n;
const units: readonly (readonly [bigint, string])[] = [
  [365n * 24n * 3600n * second, 'y'],
  [30n * 24n * 3600n * second, 'mo'],
  [24n * 3600n * second, 'd'],
  [3600n * second, 'h'],
  [60n * second, 'm'],
  [second, 's'],
];

const now = ({ now, zone }: World): GoTime =>
  new GoTime(BigInt(Math.trunc(now())) * 1_000_000n, zone);

/** The moment that a value means: a time, or seconds since the epoch; anything else is now. */
function momentOf(value: Value, world: World, types: readonly string[]): GoTime {
  if (value instanceof GoTime) return value;
  if (value instanceof GoInt && types.includes(value.type)) {
    return ofSeconds(value.value, world.zone);
  }
  return now(world);
}

function shown(layout: ByteText, value: Value, zone: ByteText, world: World): ByteText {
  world.budget.make(layout.length * 4);
  const moment = momentOf(value, world, ['int', 'int64', 'int32']);
  const name = toText(zone);
  const known = name === 'Local' ? world.zone : name !== '' && knowsZone(name) ? name : 'UTC';
  return toBytes(toText(formatTime(new GoTime(moment.nanos, known), layout)));
}

/** What a function gives where its `must` twin fails. */
function orElse<T>(run: () => T, fallback: T): T {
  try {
    return run();
  } catch {
    return fallback;
  }
}

function modified(duration: ByteText, time: GoTime): GoTime {
  return new GoTime(time.nanos + parseGoDuration(duration), time.zone);
}

function rounded(nanos: bigint): string {
  const size = nanos < 0n ? -nanos : nanos;
  const unit = units.find(([length]) => size > length);
  return unit === undefined ? '0s' : `${size / unit[0]}${unit[1]}`;
}

function durationOf(value: Value, world: World): bigint {
  if (typeof value === 'string') return orElse(() => parseGoDuration(value), 0n);
  if (value instanceof GoInt && value.type === 'int64') return value.value;
  return value instanceof GoTime ? now(world).nanos - value.nanos : 0n;
}

function durationSeconds(value: Value): bigint {
  if (value instanceof GoInt && value.type === 'int64') return value.value;
  const number = typeof value === 'string' ? parseInteger(value, 10) : 0n;
  return typeof number === 'bigint' ? number : 0n;
}

const date = fn2(['string', 'any'], (layout, value, world) => shown(layout, value, 'Local', world));
const inZone = fn3(['string', 'any', 'string'], ([layout, value, zone], world) =>
  shown(layout, value, zone, world),
);
const modify = fn2(['string', 'time'], (duration, time) =>
  orElse(() => modified(duration, time), time),
);
const mustModify = fn2(['string', 'time'], modified);

/** Sprig's dates; the clock and the laptop's zone are handed in. */
export const dateFunctions: Readonly<Record<string, TemplateFunction>> = {
  now: fn0(now),
  ago: fn1('any', (value, world) => {
    const passed = now(world).nanos - momentOf(value, world, ['int', 'int64']).nanos;
    const half = passed < 0n ? -second / 2n : second / 2n;
    return toBytes(showGoDuration(((passed + half) / second) * second));
  }),
  date,
  dateInZone: inZone,
  date_in_zone: inZone,
  dateModify: modify,
  date_modify: modify,
  mustDateModify: mustModify,
  must_date_modify: mustModify,
  duration: fn1('any', (value) =>
    toBytes(showGoDuration(BigInt.asIntN(64, durationSeconds(value) * second))),
  ),
  durationRound: fn1('any', (value, world) => rounded(durationOf(value, world))),
  htmlDate: fn1('any', (value, world) => shown('2006-01-02', value, 'Local', world)),
  htmlDateInZone: fn2(['any', 'string'], (value, zone, world) =>
    shown('2006-01-02', value, zone, world),
  ),
  toDate: fn2(['string', 'string'], (layout, text, { zone }) =>
    orElse(() => parseTime(layout, text, zone), zeroTime),
  ),
  mustToDate: fn2(['string', 'string'], (layout, text, { zone }) => parseTime(layout, text, zone)),
  unixEpoch: fn1('time', (time) => String(time.seconds())),
};
