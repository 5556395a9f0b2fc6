import { CliError } from '../errors.ts';
import type { FlagSpec, ParsedLine, Positionals } from './flag-spec.ts';

/** What was typed for one flag so far. */
type Values = Map<string, string[]>;

/** Reads a command's words and flags as kubectl does: mixed in any order, until `--`. */
export function parseLine(
  specs: readonly FlagSpec[],
  positionals: Positionals,
  argv: readonly string[],
): ParsedLine {
  const values: Values = new Map();
  const words: string[] = [];
  let command: readonly string[] | undefined;
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] ?? '';
    at += 1;
    if (word === '--') {
      command = argv.slice(at);
      break;
    }
    if (word.startsWith('--')) at += readLong(specs, values, word, argv[at]);
    else if (word.startsWith('-') && word !== '-') at += readShort(specs, values, word, argv[at]);
    else words.push(word);
  }
  checkWords(positionals, words, command);
  return parsed(specs, values, words, command);
}

/** Reads `--name`, `--name=value` or `--name value`; returns how many further words it took. */
function readLong(
  specs: readonly FlagSpec[],
  values: Values,
  word: string,
  next: string | undefined,
): number {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals === -1 ? undefined : equals);
  const spec = specs.find((flag) => flag.name === name);
  if (spec === undefined || name === '') {
    throw new CliError(
      'Usage',
      name === '' ? `bad flag syntax: ${word}` : `unknown flag: --${name}`,
    );
  }
  if (equals !== -1) {
    put(values, spec, word.slice(equals + 1));
    return 0;
  }
  return readValue(values, spec, `--${name}`, next);
}

/** Reads `-n value`, `-nvalue`, `-n=value` and clusters of switches such as `-sv`. */
function readShort(
  specs: readonly FlagSpec[],
  values: Values,
  word: string,
  next: string | undefined,
): number {
  let rest = word.slice(1);
  while (rest !== '') {
    const short = rest.charAt(0);
    rest = rest.slice(1);
    const spec = specs.find((flag) => flag.short === short);
    if (spec === undefined) {
      throw new CliError('Usage', `unknown shorthand flag: '${short}' in ${word}`);
    }
    if (rest.startsWith('=') || (rest !== '' && spec.kind !== 'switch')) {
      put(values, spec, rest.startsWith('=') ? rest.slice(1) : rest);
      return 0;
    }
    if (rest === '') return readValue(values, spec, `'${short}' in ${word}`, next);
    put(values, spec, 'true');
  }
  return 0;
}

function readValue(
  values: Values,
  spec: FlagSpec,
  shown: string,
  next: string | undefined,
): number {
  if (spec.kind === 'switch') {
    put(values, spec, 'true');
    return 0;
  }
  if (next === undefined) throw new CliError('Usage', `flag needs an argument: ${shown}`);
  put(values, spec, next);
  return 1;
}

const booleans = new Map([
  ['true', 'true'],
  ['1', 'true'],
  ['t', 'true'],
  ['false', 'false'],
  ['0', 'false'],
  ['f', 'false'],
]);

function put(values: Values, spec: FlagSpec, value: string): void {
  const before = values.get(spec.name) ?? [];
  switch (spec.kind) {
    case 'text':
      values.set(spec.name, [value]);
      return;
    case 'switch': {
      const boolean = booleans.get(value.toLowerCase());
      if (boolean === undefined) {
        throw new CliError(
          'Usage',
          `invalid argument "${value}" for "--${spec.name}": true or false`,
        );
      }
      values.set(spec.name, [boolean]);
      return;
    }
    case 'list':
      values.set(spec.name, [...before, value]);
      return;
    case 'csv':
      values.set(spec.name, [...before, ...value.split(',').filter((part) => part !== '')]);
  }
}

function checkWords(
  positionals: Positionals,
  words: readonly string[],
  command: readonly string[] | undefined,
): void {
  const { names } = positionals;
  if (words.length < names.length) {
    throw new CliError('Usage', `${names[words.length] ?? 'argument'} is missing`);
  }
  if (words.length > names.length) {
    throw new CliError('Usage', `unexpected argument "${words[names.length] ?? ''}"`);
  }
  if (command !== undefined && positionals.command !== true) {
    throw new CliError('Usage', `unexpected "--": this command runs no other`);
  }
  if (command?.length === 0) throw new CliError('Usage', 'a command is missing after "--"');
}

function parsed(
  specs: readonly FlagSpec[],
  values: Values,
  words: readonly string[],
  command: readonly string[] | undefined,
): ParsedLine {
  const first = (name: string): string | undefined =>
    values.get(name)?.[0] ?? specs.find((flag) => flag.name === name)?.default;
  return {
    text: first,
    on: (name) => first(name) === 'true',
    list: (name) => values.get(name) ?? [],
    given: (name) => values.has(name),
    words,
    command,
  };
}
