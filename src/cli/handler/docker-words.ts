import { CliError } from '../errors.ts';
import { listedName, type RunOptions } from './run-options.ts';

/** One option of `docker run`, by its listed name; a switch has `true` or `false` for a value. */
export interface DockerOption {
  readonly name: string;
  readonly value: string;
}

/** The words of `docker run`, taken apart. */
export interface DockerWords {
  readonly options: readonly DockerOption[];
  readonly image: string;
  /** What the container is given: a command, and its arguments. */
  readonly args: readonly string[];
}

/**
 * Takes `[OPTIONS] IMAGE [ARGS...]` apart as Docker does: options end at the first word that is none,
 * so everything after IMAGE is the container's, whatever it looks like.
 */
export function parseDockerWords(words: readonly string[], known: RunOptions): DockerWords {
  const options: DockerOption[] = [];
  let at = 0;
  for (;;) {
    const word = words[at];
    if (word === undefined) throw imageMissing(options);
    at += 1;
    if (word === '--') {
      const image = words[at];
      if (image === undefined) throw imageMissing(options);
      return { options, image, args: words.slice(at + 1) };
    }
    if (!word.startsWith('-') || word === '-') {
      return { options, image: word, args: words.slice(at) };
    }
    const read = word.startsWith('--') ? longOption(word, known) : shortOptions(word, known);
    options.push(...read.options);
    if (read.awaits === undefined) continue;
    const value = words[at];
    if (value === undefined) {
      throw new CliError('Usage', `docker run: flag needs an argument: ${read.shown}`);
    }
    at += 1;
    options.push({ name: read.awaits, value });
  }
}

/** The words that say the same, each option with its value in one word. */
export function dockerOptionWords(options: readonly DockerOption[]): readonly string[] {
  return options.map(({ name, value }) => `--${name}=${value}`);
}

/** The last value of an option, which is the one that counts. */
export function lastValue(
  { options }: Pick<DockerWords, 'options'>,
  name: string,
): string | undefined {
  return options.findLast((option) => option.name === name)?.value;
}

/** Whether a switch is on, as Go reads booleans. */
export function isOn(words: Pick<DockerWords, 'options'>, name: string): boolean {
  return /^(1|t|true)$/i.test(lastValue(words, name) ?? '');
}

interface Read {
  readonly options: readonly DockerOption[];
  /** The option whose value is the next word. */
  readonly awaits?: string;
  readonly shown: string;
}

function longOption(word: string, known: RunOptions): Read {
  const equals = word.indexOf('=');
  const typed = equals === -1 ? word.slice(2) : word.slice(2, equals);
  if (!known.known.has(typed)) {
    throw new CliError('Usage', `docker run: unknown flag: --${typed}`, {
      hint: 'see: docker run --help; flags of telepresence come before the --',
    });
  }
  const name = listedName(typed);
  if (equals !== -1) return { options: [{ name, value: word.slice(equals + 1) }], shown: word };
  if (known.switches.has(name)) return { options: [{ name, value: 'true' }], shown: word };
  return { options: [], awaits: name, shown: word };
}

/** `-it`, `-eA=b`, `-e=A=b`, `-itp 80:80` */
function shortOptions(word: string, known: RunOptions): Read {
  const options: DockerOption[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const letter = word.charAt(at);
    const name = known.shorts.get(letter);
    if (name === undefined) {
      throw new CliError('Usage', `docker run: unknown shorthand flag: '${letter}' in ${word}`, {
        hint: 'see: docker run --help; flags of telepresence come before the --',
      });
    }
    const rest = word.slice(at + 1);
    // Docker takes what follows `=` for the value, of a switch too; without it, the rest of the word.
    if (rest.startsWith('=')) {
      return { options: [...options, { name, value: rest.slice(1) }], shown: word };
    }
    if (known.switches.has(name)) options.push({ name, value: 'true' });
    else if (rest !== '') return { options: [...options, { name, value: rest }], shown: word };
    else return { options, awaits: name, shown: `'${letter}' in ${word}` };
  }
  return { options, shown: word };
}

function imageMissing(options: readonly DockerOption[]): CliError {
  const last = options.at(-1);
  return new CliError('Usage', 'the image of the container is missing', {
    hint:
      last === undefined
        ? 'it is: --docker-run -- [FLAGS OF docker run] IMAGE [ARGS...]'
        : `it comes after the flags of docker run, of which --${last.name}${last.value === 'true' ? '' : ` ${last.value}`} is the last`,
  });
}
