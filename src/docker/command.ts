import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { systemCode, toError } from '#base/errors.ts';
import { commandFailure } from './command-failure.ts';
import { DockerError } from './errors.ts';
import { findCommand } from './find-command.ts';

/**
 * The user's own docker command. It knows of contexts, DOCKER_HOST, TLS, SSH and credential helpers; we
 * know of none of these, and speak to no socket ourselves.
 */
export interface DockerCommand {
  /** Which one it is, where there are several. */
  readonly path: string;
  /** Its environment, for whoever starts it with the user's terminal. */
  readonly env: Environment;
  /** Runs it to its end; a status other than 0 becomes a DockerError unless `mayFail`. */
  run(args: readonly string[], options: RunOptions): Promise<RunResult>;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface RunOptions {
  readonly signal: AbortSignal;
  /** What it reads on standard input. */
  readonly input?: string | AsyncIterable<Uint8Array>;
  /** A status other than 0 is returned instead of thrown. */
  readonly mayFail?: boolean;
  /** Beside the user's own: values that must not stand in its arguments. */
  readonly env?: Environment;
  /** Where it looks for files; else where this program does. */
  readonly cwd?: string;
  /** In a process group of its own, where Ctrl-C in the terminal does not reach it. */
  readonly detached?: boolean;
}

interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface CommandDeps {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
}

/** The docker command of the user's PATH, or an error that says what to install. */
export async function openDockerCommand(deps: CommandDeps): Promise<DockerCommand> {
  const isExecutable = (path: string): Promise<boolean> =>
    access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
  const path = await findCommand({ ...deps, isExecutable }, 'docker');
  if (path === undefined) throw noCommand();
  const run: DockerCommand['run'] = async (args, options) => {
    const result = await runDocker(path, { args, env: deps.env, options });
    if (result.status === 0 || options.mayFail === true) return result;
    // Some complaints of an engine come on standard output: docker exec of a program that is not there.
    const said = result.stderr.trim() || result.stdout.slice(-4000);
    throw commandFailure({ path, args, status: result.status, said });
  };
  return { path, env: deps.env, run };
}

/** It ended before it had read everything. */
const hungUp = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

async function runDocker(
  path: string,
  call: {
    readonly args: readonly string[];
    readonly env: Environment;
    readonly options: RunOptions;
  },
): Promise<RunResult> {
  const { signal, input, env, cwd, detached = false } = call.options;
  signal.throwIfAborted();
  const child = spawn(path, [...call.args], {
    stdio: 'pipe',
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...call.env, ...env },
    signal,
    killSignal: 'SIGKILL',
    windowsHide: true,
    detached,
  });
  const ended = Promise.withResolvers<number>();
  child.on('error', ended.reject);
  child.on('close', (code) => ended.resolve(code ?? -1));
  const given = typeof input === 'string' ? [Buffer.from(input)] : (input ?? []);
  const fed = pipeline(Readable.from(given), child.stdin).then(
    () => undefined,
    (error: unknown) => toError(error),
  );
  try {
    const [stdout, stderr, status] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      ended.promise,
    ]);
    const broken = await fed;
    if (broken !== undefined && !hungUp.has(systemCode(broken) ?? '')) throw broken;
    return { status, stdout, stderr };
  } catch (error) {
    signal.throwIfAborted();
    if (systemCode(error) === 'ENOENT') throw noCommand(error);
    throw error;
  }
}

function noCommand(cause?: unknown): DockerError {
  return new DockerError('NoCommand', 'there is no docker command on PATH', {
    cause,
    hint: 'install Docker: https://docs.docker.com/get-docker/',
  });
}
