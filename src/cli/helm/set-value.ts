import { describe } from '#base/errors.ts';
import { isTree } from '#install/values.ts';
import { CliError } from '../errors.ts';

/** Values as Helm knows them: nested objects, lists, and what YAML has beside them. */
export type ValueTree = { [key: string]: unknown };

/** The flags of Helm that set single values. */
export type SetFlag = 'set' | 'set-string' | 'set-json' | 'set-file';

interface SetOptions {
  readonly flag: SetFlag;
  /** The contents of a file, for `set-file`. */
  readonly readFile?: (path: string) => Promise<string>;
}

/**
 * Puts what `--set` or one of its kin says into `values`, by Helm's own syntax: `a.b=1,c[0]=x,d={p,q}`,
 * `\` before what is meant literally, `null` for what is to be taken away.
 */
export async function setValues(
  values: ValueTree,
  text: string,
  options: SetOptions = { flag: 'set' },
): Promise<void> {
  const { flag } = options;
  const said = { flag, text };
  if (flag === 'set-json') {
    for (const { path, value } of jsonAssignments(said)) put(values, path, value, said);
    return;
  }
  const scalar = async (raw: string): Promise<unknown> => {
    if (flag === 'set') return parseScalar(raw);
    const plain = unescape(raw);
    return flag === 'set-string' ? plain : await options.readFile?.(plain);
  };
  for (const assignment of splitOutside(text, ',')) {
    const [path = '', ...rest] = splitOutside(assignment, '=');
    if (rest.length === 0) throw bad(said, `"${assignment}" has no =`);
    const steps = parsePath(path, said);
    put(values, steps, await parseValue(rest.join('='), scalar), said);
  }
}

interface Said {
  readonly flag: SetFlag;
  readonly text: string;
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

type Path = readonly (string | number)[];

function parsePath(path: string, said: Said): Path {
  return splitOutside(path, '.').flatMap((segment) => {
    const match = /^((?:\\.|[^\\[\]])*)((?:\[\d{1,4}\])*)$/s.exec(segment);
    const [, key = '', indexes = ''] = match ?? [];
    if (key === '' || unsafe.has(unescape(key))) throw bad(said, `"${segment}" is no key`);
    const numbers = Array.from(indexes.matchAll(/\[(\d+)\]/g), ([, digits]) => Number(digits));
    const first: (string | number)[] = [unescape(key)];
    return first.concat(numbers);
  });
}

const unsafe = new Set(['__proto__', 'constructor', 'prototype']);

async function parseValue(
  text: string,
  scalar: (raw: string) => Promise<unknown>,
): Promise<unknown> {
  if (!text.startsWith('{') || !text.endsWith('}')) return await scalar(text);
  const inside = text.slice(1, -1);
  return await Promise.all(splitOutside(inside, ',').map(scalar));
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

/** `a.b={"c":1},d=[2]`, or one object that is laid over everything. */
function* jsonAssignments(said: Said): Generator<{ readonly path: Path; readonly value: unknown }> {
  if (said.text.trimStart().startsWith('{')) {
    const whole = parseJson(said.text, said);
    if (!isTree(whole)) throw bad(said, 'an object is expected');
    for (const [key, value] of Object.entries(whole)) yield { path: [key], value };
    return;
  }
  let rest = said.text;
  while (rest !== '') {
    const [path = '', ...values] = splitOutside(rest, '=');
    if (values.length === 0) throw bad(said, `"${rest}" has no =`);
    const from = path.length + 1;
    const end = jsonEnd(rest, from);
    yield { path: parsePath(path, said), value: parseJson(rest.slice(from, end), said) };
    rest = rest.slice(end + 1);
  }
}

/** Where the JSON that begins at `from` ends: at a comma outside of strings and brackets. */
function jsonEnd(text: string, from: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quoted && char === '\\') at += 1;
    else if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    else if (char === ',' && depth === 0) return at;
  }
  return text.length;
}

function parseJson(text: string, said: Said): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bad(said, `"${text}" is not JSON (${describe(error)})`, error);
  }
}

function put(values: ValueTree, path: Path, value: unknown, said: Said): void {
  let at: unknown = values;
  for (const [index, key] of path.entries()) {
    const isLast = index === path.length - 1;
    const empty: unknown = typeof path[index + 1] === 'number' ? [] : {};
    if (typeof key === 'number') {
      if (!Array.isArray(at)) throw bad(said, 'a list is expected there');
      const list: unknown[] = at;
      while (list.length < key) list.push(null);
      if (isLast) list[key] = value;
      else list[key] ??= empty;
      at = list[key];
    } else {
      if (!isTree(at)) throw bad(said, `"${key}" is beneath something that has no keys`);
      if (isLast) Object.assign(at, { [key]: value });
      else if (at[key] === undefined || at[key] === null) Object.assign(at, { [key]: empty });
      at = at[key];
    }
  }
}

/** `over` laid over `under`: objects key by key, everything else as a whole; null stays, for Helm's defaults. */
export function mergeValues(under: ValueTree, over: ValueTree): ValueTree {
  const merged: ValueTree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isTree(before) && isTree(value) ? mergeValues(before, value) : value;
  }
  return merged;
}

function bad({ flag, text }: Said, why: string, cause?: unknown): CliError {
  return new CliError('Usage', `invalid argument "${text}" for "--${flag}": ${why}`, { cause });
}
