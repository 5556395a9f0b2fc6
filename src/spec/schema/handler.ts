import { boolean, choice, integer, list, object, optional, required, text } from './build.ts';
import { composeSchema } from './compose.ts';
import { filled, handlerName, image, script as scriptText, variableName } from './forms.ts';
import { namedValues } from './named-values.ts';

const script = object({
  run: required(scriptText, 'What is run: one line or several'),
  shell: optional(choice('bash', 'zsh', 'sh'), 'The shell that runs it', { otherwise: '`$SHELL`' }),
});

const external = object({
  isDocker: optional(
    boolean,
    'Whether what answers runs in a container, which sees other addresses and directories',
    { fallback: false },
  ),
  outputFormat: optional(choice('json', 'yaml'), 'How the facts about the intercepts are written', {
    fallback: 'json',
  }),
  outputPath: optional(filled, 'Where they are written: `stdout`, `stderr` or the path of a file', {
    fallback: 'stdout',
  }),
});

const build = object({
  context: required(filled, "Directory, from the specification's own on, or URL of a repository"),
  args: optional(
    list(text()),
    'Further arguments of `docker build`, such as `--file` and its path',
  ),
});

const docker = object(
  {
    image: optional(image, 'Image that is run'),
    build: optional(build, 'How the image that is run is built'),
    compose: optional(composeSchema, 'Compose project whose services answer'),
    ports: optional(
      list(integer(1, 65_535)),
      'Ports of the container that are published on this machine, beside what the intercepts need',
    ),
    options: optional(
      list(text()),
      'Flags of `docker run`, or of `docker compose` for a Compose project',
    ),
    command: optional(filled, 'What is run in the container; not of a Compose project', {
      otherwise: "the image's own",
    }),
    args: optional(
      list(text()),
      'Arguments of the command; for a Compose project, flags of `docker compose up`',
    ),
  },
  [
    { kind: 'exactlyOne', of: ['image', 'build', 'compose'] },
    { kind: 'atMostOne', of: ['compose', 'command'] },
  ],
);

/** Seconds that fit a timer. */
const longestTimer = 2_147_483;

/** An item of `handlers`. */
export const handlerSchema = object(
  {
    name: required(handlerName, 'What intercepts and prerequisites call it'),
    environment: optional(
      namedValues(
        variableName,
        'Name of the variable',
        'Its value; in quotes where it looks like a number or like true or false',
      ),
      'Variables, over those of the intercepted container',
    ),
    stopGracePeriod: optional(integer(0, longestTimer), 'Seconds that it has to end, before it is killed', {
      otherwise: 'as for `intercept`',
    }),
    docker: optional(docker, 'It is a container, or a Compose project'),
    script: optional(script, 'It is a script on this machine'),
    external: optional(external, 'Somebody else runs it, by what is written for him'),
  },
  [{ kind: 'atMostOne', of: ['docker', 'script', 'external'] }],
);
