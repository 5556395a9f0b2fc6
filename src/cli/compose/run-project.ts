import { describe } from '#base/errors.ts';
import type { HandlerContext, RunningHandler } from '../specification/handlers/handler-kind.ts';
import { startCompose, type ComposeProcess } from './compose-process.ts';
import { exitCodes, firstEnd } from './handlers-end.ts';

/** How long Compose may take over the end of what has ended. */
const patienceMs = 5000;
/** … and over what it does beside waiting for services. */
const aroundMs = 60_000;
/** No longer than a timer can be. */
const longestMs = 86_400_000;

/** What is run. */
interface RunOptions {
  readonly deps: Parameters<typeof startCompose>[1];
  readonly project: string;
  readonly words: {
    /** Flags of `docker compose` itself. */
    readonly global: readonly string[];
    readonly up: readonly string[];
    /** Undefined: each service's own. */
    readonly grace: number | undefined;
  };
  /** How long all services may take to end. */
  readonly stopMs: number;
  readonly cwd: string;
  /** Services whose end is the end. */
  readonly handlers: readonly string[];
  readonly services: readonly string[];
  readonly watches: boolean;
}

/** Runs a project whose containers are made, in the foreground, until one of its handlers has ended. */
export function runProject(
  { cli, name, output, traces }: Pick<HandlerContext, 'cli' | 'name' | 'output' | 'traces'>,
  undo: AsyncDisposableStack,
  options: RunOptions,
): RunningHandler {
  const { clock } = cli;
  const { deps, project, words, stopMs, cwd, handlers, services, watches } = options;
  const { docker } = deps.compose;
  const timeout = words.grace === undefined ? [] : [`--timeout=${String(words.grace)}`];
  const start = (...of: readonly string[]): ComposeProcess =>
    startCompose(cli, deps, { words: [...words.global, ...of], cwd });
  const up = start('up', ...timeout, ...words.up);
  const watch = watches ? start(...deps.compose.watch) : undefined;
  watch?.ended.then(
    (status) => {
      if (!over.signal.aborted && status !== 0) output.err(`warning: nothing is watched any more`);
    },
    (error: unknown) => output.err(`warning: nothing is watched: ${describe(error)}`),
  );
  const over = new AbortController();
  undo.defer(() => {
    over.abort(new Error('the project ends'));
    for (const one of [watch, up]) one?.kill('SIGKILL');
  });
  const here = { docker, name: project, id: traces.id };
  const run = async (args: readonly string[], ms: number): Promise<void> => {
    const signal = AbortSignal.timeout(Math.min(ms, longestMs));
    const ending = { signal, mayFail: true, detached: true, cwd };
    await docker.run(['compose', ...words.global, ...args], ending).catch(() => {});
  };
  /** Compose ends by itself once its containers have. */
  const upEnds = async (): Promise<void> => {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const late = clock.sleep(patienceMs, AbortSignal.any([])).then(() => 'late');
      if ((await Promise.race([settled(up.ended), late])) !== 'late') return;
      up.kill(signal);
    }
  };
  const kill = async (): Promise<void> => {
    // What is about to start a service is not to do so any more.
    up.kill('SIGKILL');
    await run(['kill'], patienceMs);
  };
  let stopping: Promise<void> | undefined;
  const stop = async (graceSeconds: number): Promise<void> => {
    watch?.kill('SIGTERM');
    if (stopping === undefined) {
      over.abort(new Error('the project is stopped'));
      const stopped = graceSeconds === 0 ? kill() : run(['stop', ...timeout], stopMs + aroundMs);
      stopping = stopped.then(upEnds);
    } else {
      // Less time than was promised before: what does not end by then is ended.
      const late = clock.sleep(graceSeconds * 1000, AbortSignal.any([])).then(() => 'late');
      if ((await Promise.race([stopping, late])) === 'late') await kill();
    }
    await stopping;
  };
  const code = async (): Promise<number> => {
    const byItself = up.ended.then((status) => ({ status }));
    byItself.catch(() => {});
    if (handlers.length > 0) {
      const { signal } = over;
      const ended = firstEnd(cli, here, { services: handlers, signal });
      const first = await Promise.race([byItself, ended.catch(() => byItself)]);
      if ('service' in first) {
        const { service, exitCode } = first;
        output.err(`the service ${service} has ended with exit code ${String(exitCode)}`);
        // Who runs this stops the others: a code that is known does not wait for them.
        return exitCode;
      }
    }
    const { status } = await byItself;
    over.abort(new Error('the project has ended'));
    if (stopping !== undefined) await stopping;
    const signal = AbortSignal.timeout(patienceMs);
    const codes = await exitCodes(here, handlers.length > 0 ? handlers : services, signal);
    return codes.find((one) => one !== 0) ?? (stopping === undefined ? status : 0);
  };
  return { name, ended: code(), stop };
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => {});
}
