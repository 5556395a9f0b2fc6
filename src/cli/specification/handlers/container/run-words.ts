import type { ContainerHandler } from '#spec/handler-spec.ts';
import { CliError } from '../../../errors.ts';
import { isOn, type DockerWords } from '../../../handler/docker-words.ts';

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

/** Refuses words that are not what was meant, or that nobody can heed where several handlers run at once. */
export function checkRunWords({ name, source }: ContainerHandler, words: DockerWords): void {
  const meant = source.kind === 'image' ? source.image : placeholder;
  if (words.image !== meant) {
    throw new CliError(
      'Usage',
      `handler ${name}: "${words.image}" among its docker options is no flag of docker run`,
      { hint: 'write one flag with its value into each entry, such as --volume=/here:/there' },
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
