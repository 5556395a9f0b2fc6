import { envText } from '../output/env-syntax.ts';

/** A container's environment on its two ways into another one. */
export interface SplitEnvironment {
  /** What `docker run --env-file` reads. */
  readonly file: string;
  /** For the docker command's own environment, where it finds what the file only names. */
  readonly own: Readonly<Record<string, string>>;
  /** Names that go neither way. */
  readonly left: readonly string[];
}

/**
 * A line of an env file cannot hold a line break. It can be a name alone: then Docker takes the value
 * from its own command's environment. What that command reads itself is not given to it.
 */
export function splitEnvironment(
  environment: Readonly<Record<string, string>>,
  platform: NodeJS.Platform,
): SplitEnvironment {
  const { text, left } = envText('docker', environment);
  const own: Record<string, string> = {};
  const lost: string[] = [];
  let file = text;
  for (const name of left) {
    const value = environment[name] ?? '';
    if (!canBeNamed.test(name) || value.includes('\0') || isDockers(name, platform)) {
      lost.push(name);
      continue;
    }
    own[name] = value;
    file += `${name}\n`;
  }
  return { file, own, left: lost };
}

const canBeNamed = /^(?!#)[!-<>-~]+$/;

/** What changes what the docker command does: where it connects, what it runs, what it trusts. */
const dockers =
  /^(DOCKER|BUILDKIT|BUILDX|COMPOSE|LD|DYLD|SSH|SSL|XDG|GODEBUG|OTEL)(_|$)|^(HOME|USERPROFILE|USER|PATH|PATHEXT|TMPDIR|TMP|TEMP|TERM|SHELL|SYSTEMROOT|COMSPEC|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES|DO_NOT_TRACK|NO_COLOR|GOTRACEBACK|GOMAXPROCS|GOGC|GOMEMLIMIT)$|_PROXY$/i;

function isDockers(name: string, platform: NodeJS.Platform): boolean {
  // Windows would take two names that differ in case for one.
  return dockers.test(name) || (platform === 'win32' && name.startsWith('='));
}
