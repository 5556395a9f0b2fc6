import type { Budget } from '../budget.ts';
import { fn1, fn2, fn3, fnMany, fnOneMany } from '../execute/function.ts';
import type { TemplateFunction } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import { dict, GoList, GoMap, isTrue, list, strings, typeName } from '../values.ts';
import type { Value } from '../values.ts';
import { strval } from './strings.ts';

/** Our own data stays as it is: a template may copy it, and not change it. */
function writable(map: GoMap): GoMap {
  if (!map.strict) return map;
  throw fault('the data of a specification cannot be changed; take a copy of it with deepCopy');
}

/** Fills what is empty in `into` with what `from` has; with `overwrite`, all of it. */
function mergeInto(into: GoMap, from: GoMap, overwrite: boolean, budget: Budget, depth = 0): void {
  budget.deep(depth);
  for (const [key, value] of from.entries) {
    budget.step();
    const there = into.entries.get(key);
    if (value instanceof GoMap && there instanceof GoMap && isTrue(there)) {
      if (value !== there) mergeInto(there, value, overwrite, budget, depth + 1);
    } else if (value === undefined && !overwrite) {
      continue;
    } else if (overwrite || !isTrue(there)) {
      into.entries.set(key, value);
    }
  }
}

function merge(into: GoMap, others: readonly GoMap[], overwrite: boolean, budget: Budget): GoMap {
  for (const other of others) mergeInto(writable(into), other, overwrite, budget);
  return into;
}

function deepCopy(value: Value, budget: Budget, depth = 0): Value {
  budget.deep(depth);
  budget.make(16);
  if (value instanceof GoList) {
    const items = value.items.map((item) => deepCopy(item, budget, depth + 1));
    return new GoList(value.type, items, value.isNil);
  }
  if (!(value instanceof GoMap)) return value;
  const entries = [...value.entries].map(([key, item]) => {
    return [key, deepCopy(item, budget, depth + 1)] as const;
  });
  return new GoMap(value.type, new Map(entries));
}

function dig(words: readonly Value[]): Value {
  if (words.length < 3) throw fault('dig needs at least three arguments');
  const fallback = words.at(-2);
  let at: Value = words.at(-1);
  for (const key of words.slice(0, -2)) {
    if (typeof key !== 'string') throw notA(key, 'string');
    if (!(at instanceof GoMap) || at.type !== 'map[string]interface {}') {
      throw notA(at, 'map[string]interface {}');
    }
    if (!at.entries.has(key)) return fallback;
    at = at.entries.get(key);
  }
  return at;
}

function notA(value: Value, type: string): Error {
  const is = value === undefined ? 'nil' : typeName(value);
  return fault(`interface conversion: interface {} is ${is}, not ${type}`);
}

const mergeFilling = fnOneMany(['map', 'map'], (into, others, { budget }) =>
  merge(into, others, false, budget),
);
const mergeOver = fnOneMany(['map', 'map'], (into, others, { budget }) =>
  merge(into, others, true, budget),
);
const copy = fn1('any', (value, { budget }) => deepCopy(value, budget));

/** Sprig's functions on dictionaries. Where Go's order is by chance, ours is that of the keys. */
export const dictFunctions: Readonly<Record<string, TemplateFunction>> = {
  dict: fnMany('any', (words, world) => {
    world.budget.make(words.length * 32);
    const made = dict();
    for (let i = 0; i < words.length; i += 2) {
      const value = i + 1 < words.length ? words[i + 1] : '';
      made.entries.set(strval(words[i], world), value);
    }
    return made;
  }),
  get: fn2(['map', 'string'], (map, key) => (map.entries.has(key) ? map.entries.get(key) : '')),
  set: fn3(['map', 'string', 'any'], ([map, key, value], { budget }) => {
    budget.make(32);
    writable(map).entries.set(key, value);
    return map;
  }),
  unset: fn2(['map', 'string'], (map, key) => {
    writable(map).entries.delete(key);
    return map;
  }),
  hasKey: fn2(['map', 'string'], (map, key) => map.entries.has(key)),
  pluck: fnOneMany(['string', 'map'], (key, maps) =>
    list(maps.filter((map) => map.entries.has(key)).map((map) => map.entries.get(key))),
  ),
  keys: fnMany('map', (maps, { budget }) => {
    const keys = maps.flatMap((map) => map.sortedKeys());
    budget.make(keys.length * 8);
    return strings(keys);
  }),
  values: fn1('map', (map, { budget }) => {
    budget.make(map.entries.size * 8);
    return list(map.sortedKeys().map((key) => map.entries.get(key)));
  }),
  pick: fnOneMany(['map', 'string'], (map, keys) =>
    dict(keys.filter((key) => map.entries.has(key)).map((key) => [key, map.entries.get(key)])),
  ),
  omit: fnOneMany(['map', 'string'], (map, keys) =>
    dict([...map.entries].filter(([key]) => !keys.includes(key))),
  ),
  merge: mergeFilling,
  mustMerge: mergeFilling,
  mergeOverwrite: mergeOver,
  mustMergeOverwrite: mergeOver,
  deepCopy: copy,
  mustDeepCopy: copy,
  dig: fnMany('any', (words) => dig(words)),
};
