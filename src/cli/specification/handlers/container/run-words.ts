import type { ContainerHandler } from '#spec/handler-spec.ts';
import { CliError } from '../../../errors.ts';
import { isOn, parseDockerWords, type DockerWords } from '../../../handler/docker-words.ts';
import { refuseWhatOutlives } from '../../../handler/option-rules.ts';
import type { RunOptions } from '../../../handler/run-options.ts';

/** What stands for an image that is built. */
const placeholder = 'IMAGE';

/** The words of `docker run` that a specification says. */
export function runWords({ source, ports, options, command, args }: ContainerHandler): string[] {
  return [
    ...ports.map((port) => `--publish=${String(port)}:${String(port)}`),
    ...options.flatMap(optionWords),
    source.kind === 'image' ? source.image : placeholder,
    ...(command === undefined ? [] : [command]),
    ...args,
  ];
}

/** `--volume /a:/b` in one entry of a list is a flag with its value: Docker knows none with a blank. */
export function optionWords(option: string): readonly string[] {
  const [, flag, value] = /^(--?[a-zA-Z][\w-]*)\s+(.*)$/s.exec(option) ?? [];
  return flag === undefined || value === undefined ? [option] : [flag, value];
}

const hint =
  'see docker run --help; write one flag with its value into each entry of docker.options, such as --volume=/here:/there';

/** Takes its words apart by what is known of `docker run`; refuses what is not meant, or what nobody can heed. */
export function readRunWords(handler: ContainerHandler, known: RunOptions): DockerWords {
  const words = parse(handler, known);
  checkRunWords(handler, words);
  refuseWhatOutlives(words, `handler ${handler.name}: `);
  return words;
}

function parse(handler: ContainerHandler, known: RunOptions): DockerWords {
  try {
    return parseDockerWords(runWords(handler), known);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const message = `handler ${handler.name}: ${error.message}`;
    throw new CliError(error.code, message, { cause: error, hint });
  }
}

/** What stands in an image's place is no flag, and several handlers share one terminal. */
function checkRunWords({ name, source }: ContainerHandler, words: DockerWords): void {
  const meant = source.kind === 'image' ? source.image : placeholder;
  if (words.image !== meant) {
    throw new CliError(
      'Usage',
      `handler ${name}: "${words.image}" among its docker options is no flag of docker run`,
      { hint },
    );
  }
  for (const flag of ['tty', 'detach-keys', 'attach']) {
    const given = words.options.some((option) => option.name === flag);
    if (!given || (flag === 'tty' && !isOn(words, flag))) continue;
    throw new CliError(
      'Usage',
      `handler ${name}: --${flag} is not possible: its output comes line by line, with its name before each`,
      {
        hint: 'leave it out; with the terminal: telepresence intercept … --docker-run -- -it IMAGE',
      },
    );
  }
}
