import { DockerError } from './errors.ts';

interface FailedCommand {
  /** The docker command that ran, by its path. */
  readonly path: string;
  readonly args: readonly string[];
  readonly status: number;
  /** What it wrote on standard error. */
  readonly said: string;
}

/** What the docker command's own words mean, by the versions from 20.10 to 29, and Podman's. */
export function commandFailure(failed: FailedCommand): DockerError {
  const { args, said } = withoutSecrets(failed);
  const cause = new Error(
    `${failed.path} ${args.join(' ')}: status ${String(failed.status)}: ${said.slice(-4000)}`,
  );
  for (const { pattern, error } of readings) {
    const match = pattern.exec(said);
    if (match !== null) return error(match, failed.path, { cause });
  }
  return new DockerError(
    'CommandFailed',
    lastWords(said) ?? `docker ended with status ${String(failed.status)}`,
    {
      cause,
    },
  );
}

/** What gives a right to whoever reads it goes into no log. */
function withoutSecrets({ args, said }: FailedCommand): {
  readonly args: readonly string[];
  readonly said: string;
} {
  const secrets = args.flatMap((word) => /^--opt=token=(.+)$/s.exec(word)?.[1] ?? []);
  const blank = (text: string): string =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
  return { args: args.map(blank), said: blank(said.trim()) };
}

interface Reading {
  readonly pattern: RegExp;
  readonly error: (match: RegExpExecArray, path: string, options: ErrorOptions) => DockerError;
}

const startIt = 'start Docker Desktop, or the service: sudo systemctl start docker';

/** The most telling first: an error during connect can be a question of rights. */
const readings: readonly Reading[] = [
  {
    pattern:
      /permission denied while trying to connect to the docker (?:daemon socket|api)(?: at (\S+?))?[:;]?(?:\s|$)/i,
    error: (match, path, options) =>
      new DockerError('NotPermitted', `you may not use Docker's socket${at(match[1])} (${path})`, {
        ...options,
        hint: 'join its group and log in again: sudo usermod -aG docker "$USER"',
      }),
  },
  {
    pattern:
      /context "([^"\n]+)"(?: is not found|: context not found| not found|.*does not exist)/i,
    error: (match, _path, options) =>
      new DockerError('UnknownContext', `there is no Docker context ${match[1] ?? ''}`, {
        ...options,
        hint: 'see those that there are: docker context ls; choose one: docker context use NAME',
      }),
  },
  {
    pattern: /container name "\/?([^"\n]+)" is already in use/i,
    error: (match, _path, options) =>
      new DockerError('NameInUse', `there is a container ${match[1] ?? ''} already`, {
        ...options,
        hint: 'give the connection another name: telepresence connect --docker --name NAME',
      }),
  },
  {
    // Taken by a container, or by a program.
    pattern:
      /(?:Bind for (\S+):(\d+) failed: port is already allocated|(?:listen|bind)\w* (?:tcp|udp|sctp)[46]? (\S+):(\d+): bind: address already in use|failed to bind (?:host )?port (?:for )?(\S+?):(\d+)\b.*address already in use)/i,
    error: ([, a, b, c, d, e, f], _path, options) =>
      new DockerError(
        'PortTaken',
        `port ${a ?? c ?? e ?? ''}:${b ?? d ?? f ?? ''} of this machine is in use`,
        { ...options, hint: 'choose another one, or end what uses it' },
      ),
  },
  {
    pattern:
      /client version (\S+) is too (new|old)\. (?:maximum|minimum) supported api version is ([\d.]+)/i,
    error: (match, path, options) =>
      new DockerError(
        'VersionsDiffer',
        `${path} speaks Docker's API ${match[1] ?? ''} and the engine ${match[2] === 'new' ? 'none newer' : 'none older'} than ${trimmed(match[3])}`,
        { ...options, hint: 'upgrade the older of the two, or unset DOCKER_API_VERSION' },
      ),
  },
  {
    pattern:
      /(?:cannot|failed to) connect to (?:the docker (?:daemon|api)|podman)[^\n]*? at ((?:unix|npipe):\S+?)[.;]?(?:\s|$)/i,
    error: (match, _path, options) =>
      new DockerError('NotRunning', `Docker does not run${at(match[1])}`, {
        ...options,
        hint: startIt,
      }),
  },
  {
    // Windows, and a Docker Desktop that was ended.
    pattern:
      /(\/\/\.\/pipe\/\S+?):? the system cannot find the file specified|is the docker daemon running/i,
    error: (match, _path, options) => {
      const tcp = /at ((?:tcp|https?|ssh):\S+?)[.;]?(?:\s|$)/.exec(match.input);
      return tcp === null
        ? new DockerError('NotRunning', `Docker does not run${at(match[1])}`, {
            ...options,
            hint: startIt,
          })
        : unreachable(`no answer from Docker${at(tcp[1])}`, options);
    },
  },
  {
    pattern:
      /(?:error during connect|unable to resolve docker endpoint|unable to parse docker host|(?:cannot|failed to) connect to [^\n]*):? *([^\n]*)/i,
    error: (match, _path, options) =>
      unreachable(`Docker cannot be reached: ${wordsOf(match[1]) || wordsOf(match[0])}`, options),
  },
];

function unreachable(message: string, options: ErrorOptions): DockerError {
  const hint = 'look at DOCKER_HOST and at the context: docker context ls';
  return new DockerError('Unreachable', message, { ...options, hint });
}

const at = (place: string | undefined): string =>
  place === undefined || place === '' ? '' : ` at ${place}`;

const trimmed = (version: string | undefined): string => (version ?? '').replace(/\.$/, '');

/** What ssh said, or without the URL that was asked, which says nothing to people. */
function wordsOf(text: string | undefined): string {
  const said = /stderr=(.+)/.exec(text ?? '')?.[1] ?? text ?? '';
  return said.replace(/(?:Get|Post|Head) "?[^" ]+"?: /i, '').trim();
}

/** The line that says what it was, without what Docker's command puts around it. */
function lastWords(said: string): string | undefined {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(See '|Run '|Usage:)/.test(line));
  const errors = lines.filter((line) => /^(docker: |error|unable|invalid|unknown)/i.test(line));
  const line = errors.at(-1) ?? lines.at(-1);
  return line
    ?.replace(/^docker: /, '')
    .replace(/^Error response from daemon: /i, '')
    .replace(/^Error: /i, '')
    .replace(/\.$/, '');
}
