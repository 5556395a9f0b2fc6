import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { describe, systemCode } from '#base/errors.ts';
import type { ScriptHandler } from '#spec/handler-spec.ts';
import { CliError } from '../../../errors.ts';
import { parseMount, type MountAsked } from '../../../parse/mount.ts';
import { defaultGraceSeconds } from '../../stop-handlers.ts';
import { startedAtOnce } from '../handler-kind.ts';
import type { HandlerContext, HandlerKind, IntendedIntercept } from '../handler-kind.ts';
import type { RunningHandler } from '../handler-kind.ts';
import { podEnvironment } from '../pod-environment.ts';
import { findShell } from './find-shell.ts';
import { processGroup } from './process-group.ts';

/** What it printed before its end has so long to arrive, where something in the background holds the pipe. */
const drainMs = 500;

/** A script on this machine, in the specification's directory. */
export const scriptKind: HandlerKind<ScriptHandler> = {
  async prepare(handler, context) {
    const { cli, directory } = context;
    if (!(await isDirectory(directory))) {
      throw new CliError('Usage', `handler ${handler.name}: ${directory} is not a directory`);
    }
    const shell = await findShell(cli, handler);
    return startedAtOnce(
      (intercept) => laptopMount(intercept, directory),
      async (served) => {
        const environment = podEnvironment(served, context.environment);
        return await runScript(context, handler, { shell, environment });
      },
    );
  },
};

/** Where the pod's files are shown to what runs on this machine: nowhere, unless that is said. */
export function laptopMount(
  { mountPoint = false }: Pick<IntendedIntercept, 'mountPoint'>,
  directory: string,
): MountAsked | undefined {
  return parseMount(String(mountPoint), directory);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Runs it in a process group of its own: Ctrl-C in the terminal reaches the runner alone, and the end
 * of a handler is the end of all that it has started. What a prerequisite leaves in the background
 * stays: it is what its `delete` is for.
 */
async function runScript(
  context: HandlerContext,
  { name, run, stopGraceSeconds = defaultGraceSeconds }: ScriptHandler,
  {
    shell,
    environment,
  }: { readonly shell: string; readonly environment: Readonly<Record<string, string>> },
): Promise<RunningHandler> {
  const { cli, directory, output, journal, intercepts } = context;
  cli.signal.throwIfAborted();
  const child = startShell(name, shell, run, {
    cwd: directory,
    env: { ...cli.env, ...environment },
  });
  const exited = Promise.withResolvers<number>();
  child.once('exit', (code, signal) => {
    exited.resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
  const printed = output.follow(child);
  const { pid } = child;
  if (pid === undefined) {
    const why = await new Promise<Error>((resolve) => void child.once('error', resolve));
    throw new CliError('Failed', `handler ${name}: ${shell}: ${describe(why)}`, { cause: why });
  }
  child.once('error', () => {});
  const crossOut = journal.write({ kind: 'process-group', pid, graceSeconds: stopGraceSeconds });
  const group = processGroup(cli.clock, pid);
  const serves = intercepts.length > 0;
  let isStopped = false;
  const ended = (async () => {
    const status = await exited.promise;
    if (serves || isStopped) await group.end(stopGraceSeconds);
    const drained = new AbortController();
    const late = cli.clock.sleep(drainMs, drained.signal).catch(() => {});
    await Promise.race([printed, late]);
    drained.abort();
    crossOut();
    return status;
  })();
  ended.catch(() => {});
  return {
    name,
    ended,
    async stop(graceSeconds) {
      isStopped = true;
      await group.end(graceSeconds);
      await ended;
    },
  };
}

/** What is too long for the system is thrown at once, other than what is not there. */
function startShell(
  name: string,
  shell: string,
  run: string,
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): ChildProcessByStdio<null, Readable, Readable> {
  try {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    return spawn(shell, ['-c', run], {
      ...options,
      stdio: [...stdio],
      detached: true,
      windowsHide: true,
    });
  } catch (error) {
    const isLong = systemCode(error) === 'E2BIG';
    const bytes = Buffer.byteLength(run);
    const why = isLong
      ? `the script has ${String(bytes)} bytes, which with its environment is more than this system takes`
      : describe(error);
    const hint = isLong ? { hint: 'put it into a file, and run that' } : {};
    throw new CliError('Failed', `handler ${name}: ${shell}: ${why}`, { cause: error, ...hint });
  }
}
