import { CliError } from '../errors.ts';

/** Values as Helm knows them: nested objects, lists, and what YAML has beside them. */
export type ValueTree = { [key: string]: unknown };

/**
 * Puts what `--set` says into `values`, by Helm's own syntax: `a.b=1,c[0]=x,d={p,q}`, `\` before
 * what is meant literally, `null` removes.
 */
export function setValues(values: ValueTree, text: string): void {
  for (const assignment of splitOutside(text, ',')) {
    const [path = '', ...rest] = splitOutside(assignment, '=');
    if (rest.length === 0) throw bad(text, `"${assignment}" has no =`);
    put(values, parsePath(path, text), parseValue(rest.join('=')), text);
  }
}

/** Cuts at `separator`, but not inside braces and not after a backslash; escapes stay. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') {
      part += text.slice(at, at + 2);
      at += 1;
      continue;
    }
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    if (char === separator && depth === 0) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  parts.push(part);
  return parts;
}

function parsePath(path: string, text: string): readonly (string | number)[] {
  return splitOutside(path, '.').flatMap((segment) => {
    const match = /^((?:\\.|[^\\[\]])*)((?:\[\d{1,4}\])*)$/s.exec(segment);
    const [, key = '', indexes = ''] = match ?? [];
    if (key === '' || unsafe.has(unescape(key))) throw bad(text, `"${segment}" is no key`);
    const numbers = Array.from(indexes.matchAll(/\[(\d+)\]/g), ([, digits]) => Number(digits));
    const first: (string | number)[] = [unescape(key)];
    return first.concat(numbers);
  });
}

const unsafe = new Set(['__proto__', 'constructor', 'prototype']);

function parseValue(text: string): unknown {
  if (text.startsWith('{') && text.endsWith('}')) {
    const inside = text.slice(1, -1);
    return inside === '' ? [] : splitOutside(inside, ',').map((part) => parseScalar(part));
  }
  return parseScalar(text);
}

function parseScalar(text: string): unknown {
  const plain = unescape(text);
  if (plain === 'true') return true;
  if (plain === 'false') return false;
  if (plain === 'null') return null;
  // A leading zero means that it is no number: a tag, a code.
  if (/^-?(0|[1-9]\d{0,14})$/.test(plain)) return Number(plain);
  return plain;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gs, '$1');
}

function put(
  values: ValueTree,
  path: readonly (string | number)[],
  value: unknown,
  text: string,
): void {
  let at: unknown = values;
  for (const [index, key] of path.entries()) {
    const isLast = index === path.length - 1;
    const empty: unknown = typeof path[index + 1] === 'number' ? [] : {};
    if (typeof key === 'number') {
      if (!Array.isArray(at)) throw bad(text, 'a list is expected there');
      const list: unknown[] = at;
      if (key > list.length) throw bad(text, `the list has only ${String(list.length)} items`);
      if (isLast) list[key] = value;
      else list[key] ??= empty;
      at = list[key];
    } else {
      if (!isTree(at)) throw bad(text, `"${key}" is beneath something that has no keys`);
      if (isLast && value === null) delete at[key];
      else if (isLast) at[key] = value;
      else at[key] ??= empty;
      at = at[key];
    }
  }
}

/** Whether a value has keys. */
export function isTree(value: unknown): value is ValueTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` laid over `under`: objects key by key, everything else as a whole; null removes. */
export function mergeValues(under: ValueTree, over: ValueTree): ValueTree {
  const merged: ValueTree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isTree(before) && isTree(value) ? mergeValues(before, value) : value;
  }
  return merged;
}

function bad(text: string, why: string): CliError {
  return new CliError('Usage', `invalid argument "${text}" for "--set": ${why}`);
}
