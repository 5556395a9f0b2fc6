import { parseArgs } from 'node:util';
import { CliError } from '../errors.ts';
import type { FlagSpec, ParsedLine, Positionals } from './flag-spec.ts';
import { suggest } from '#base/suggest.ts';

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
  if (positionals.handsOn === true) {
    const end = ownLength(specs, argv);
    const { handsOn: _done, ...plain } = positionals;
    const line = parseLine(specs, plain, argv.slice(0, end));
    const handedOn = argv.slice(argv[end] === '--' ? end + 1 : end);
    return { ...line, command: handedOn };
  }
  const tokens = readTokens(specs, argv);
  for (const [at, token] of tokens.entries()) {
    const word = argv[token.index] ?? '';
    if (token.kind === 'option-terminator') {
      // Node takes the second dash of `-s-` for one.
      if (word !== '--') throw unknownFlag(specs, word, '-');
      command = argv.slice(token.index + 1);
      break;
    }
    if (token.kind === 'positional') {
      const begins = (flag: string): boolean =>
        values.has(flag) && values.get(flag)?.[0] !== 'false';
      const isTooMany = words.length >= positionals.names.length;
      if (isTooMany && positionals.commandAfter?.some(begins) === true) {
        command = argv.slice(token.index);
        break;
      }
      words.push(token.value);
      continue;
    }
    const { name, rawName, index, value, inlineValue } = token;
    const before = tokens[at - 1];
    if (rawName === '-=' && before?.kind === 'option' && before.index === index) {
      // To Node `-sd=false` is nothing but switches, the last one called "e"; it does know this:
      const split = word.indexOf('=');
      const others = split > 2 ? [word.slice(0, split - 1)] : [];
      const spelled = [...others, `--${before.name}${word.slice(split)}`];
      return parseLine(specs, positionals, argv.toSpliced(index, 1, ...spelled));
    }
    const isShort = !rawName.startsWith('--');
    const spec = specs.find((flag) => flag.name === name);
    if (spec === undefined || (isShort && name === rawName.slice(1))) {
      throw unknownFlag(specs, word, isShort ? name : undefined);
    }
    const typed = value ?? (spec.kind === 'switch' ? 'true' : undefined);
    if (typed === undefined) {
      const shown = isShort ? `'${rawName.slice(1)}' in ${word}` : rawName;
      throw new CliError('Usage', `flag needs an argument: ${shown}`);
    }
    put(values, spec, isShort && inlineValue === true ? typed.replace(/^=/, '') : typed);
  }
  checkWords(positionals, words, command);
  return parsed(specs, values, words, command);
}

/** How many words come before the first that is no flag of ours. */
function ownLength(specs: readonly FlagSpec[], argv: readonly string[]): number {
  let at = 0;
  for (;;) {
    const [typed = ''] = (argv[at] ?? '').split('=');
    const flag = specs.find(({ name }) => typed === `--${name}`);
    if (flag === undefined) return at;
    at += flag.kind === 'switch' || argv[at]?.includes('=') === true ? 1 : 2;
  }
}

function readTokens(specs: readonly FlagSpec[], argv: readonly string[]) {
  const options = specs.map(({ name, short, kind }) => {
    const type = kind === 'switch' ? ('boolean' as const) : ('string' as const);
    return [name, short === undefined ? { type } : { type, short }] as const;
  });
  return parseArgs({
    args: argv,
    options: Object.fromEntries(options),
    // Strict, it would refuse values that begin with a dash, and say all else in its own words.
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens;
}

function unknownFlag(
  specs: readonly FlagSpec[],
  word: string,
  short: string | undefined,
): CliError {
  if (short !== undefined) {
    return new CliError('Usage', `unknown shorthand flag: '${short}' in ${word}`);
  }
  const [name = ''] = word.split('=');
  if (name === '--') return new CliError('Usage', `bad flag syntax: ${word}`);
  const known = specs.filter(({ hidden }) => hidden !== true).map((flag) => flag.name);
  const [near] = suggest(name.slice(2), known);
  return new CliError(
    'Usage',
    `unknown flag: ${name}`,
    near === undefined ? {} : { hint: `did you mean: --${near}` },
  );
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
  if (words.length > names.length && positionals.rest === undefined) {
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
