import { deepEqual } from '../execute/compare.ts';
import { fn1, fn2, fnMany, fnOneMany } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import { GoList, isTrue, kindName, list } from '../values.ts';
import type { Value } from '../values.ts';
import { toInt64 } from './casts.ts';

/** The items of a list, or the error that Sprig has for anything else. */
function itemsOf(value: Value, doing: string): readonly Value[] {
  if (value instanceof GoList) return value.items;
  if (value === undefined) {
    throw fault('runtime error: invalid memory address or nil pointer dereference');
  }
  throw fault(`Cannot ${doing} type ${kindName(value)}`);
}

function made(items: readonly Value[], { budget }: World): GoList {
  budget.make(items.length * 8);
  return list(items);
}

const nilList = new GoList('[]interface {}', [], true);

function without(world: World, items: readonly Value[], omitted: readonly Value[]): GoList {
  return made(
    items.filter((item) => !omitted.some((other) => deepEqual(item, other, world.budget))),
    world,
  );
}

function uniq(value: Value, world: World): GoList {
  const kept: Value[] = [];
  for (const item of itemsOf(value, 'find uniq on')) {
    if (!kept.some((other) => deepEqual(item, other, world.budget))) kept.push(item);
  }
  return made(kept, world);
}

function slice(value: Value, indexes: readonly Value[]): Value {
  if (value !== undefined && !(value instanceof GoList)) {
    throw fault(`list should be type of slice or array but ${kindName(value)}`);
  }
  const items = itemsOf(value, 'slice');
  if (items.length === 0) return undefined;
  const start = indexes.length > 0 ? Number(toInt64(indexes[0])) : 0;
  const end = indexes.length > 1 ? Number(toInt64(indexes[1])) : items.length;
  if (start < 0 || start > end || end > items.length) {
    throw fault('reflect.Value.Slice: slice index out of bounds');
  }
  return new GoList(value?.type ?? '[]interface {}', items.slice(start, end));
}

function chunk(size: number, value: Value, world: World): GoList {
  const items = itemsOf(value, 'chunk');
  if (size <= 0) throw fault('runtime error: makeslice: len out of range');
  const chunks: GoList[] = [];
  for (let at = 0; at < items.length; at += size)
    chunks.push(made(items.slice(at, at + size), world));
  return new GoList('[][]interface {}', chunks);
}

const push = fn2(['any', 'any'], (value, item, world) =>
  made([...itemsOf(value, 'push on'), item], world),
);
const prepend = fn2(['any', 'any'], (value, item, world) =>
  made([item, ...itemsOf(value, 'prepend on')], world),
);
const first = fn1('any', (value) => itemsOf(value, 'find first on')[0]);
const last = fn1('any', (value) => itemsOf(value, 'find last on').at(-1));
const rest = fn1('any', (value, world) => {
  const items = itemsOf(value, 'find rest on');
  return items.length === 0 ? nilList : made(items.slice(1), world);
});
const initial = fn1('any', (value, world) => {
  const items = itemsOf(value, 'find initial on');
  return items.length === 0 ? nilList : made(items.slice(0, -1), world);
});
const reverse = fn1('any', (value, world) =>
  made([...itemsOf(value, 'find reverse on')].reverse(), world),
);
const compact = fn1('any', (value, world) =>
  made(
    itemsOf(value, 'compact on').filter((item) => isTrue(item)),
    world,
  ),
);
const unique = fn1('any', uniq);
const leaveOut = fnOneMany(['any', 'any'], (value, omitted, world) =>
  without(world, itemsOf(value, 'find without on'), omitted),
);
const has = fn2(['any', 'any'], (needle, value, { budget }) => {
  if (value === undefined) return false;
  return itemsOf(value, 'find has on').some((item) => deepEqual(needle, item, budget));
});
const part = fnOneMany(['any', 'any'], (value, indexes) => slice(value, indexes));
const chunks = fn2(['int', 'any'], chunk);
const anyList = fnMany('any', (items, world) => made(items, world));

/** Sprig's functions on lists. Those with `must` fail in the same words here. */
export const listFunctions: Readonly<Record<string, TemplateFunction>> = {
  list: anyList,
  tuple: anyList,
  append: push,
  push,
  mustAppend: push,
  mustPush: push,
  prepend,
  mustPrepend: prepend,
  first,
  mustFirst: first,
  rest,
  mustRest: rest,
  last,
  mustLast: last,
  initial,
  mustInitial: initial,
  reverse,
  mustReverse: reverse,
  compact,
  mustCompact: compact,
  uniq: unique,
  mustUniq: unique,
  without: leaveOut,
  mustWithout: leaveOut,
  has,
  mustHas: has,
  slice: part,
  mustSlice: part,
  chunk: chunks,
  mustChunk: chunks,
  concat: fnMany('any', (lists, world) => {
    const items = lists.flatMap((value) => {
      if (value instanceof GoList || value === undefined) return itemsOf(value, 'concat');
      throw fault(`Cannot concat type ${kindName(value)} as list`);
    });
    return items.length === 0 ? nilList : made(items, world);
  }),
};
