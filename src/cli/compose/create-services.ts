import { CliError } from '../errors.ts';
import type { HandlerContext } from '../specification/handlers/handler-kind.ts';
import { startCompose } from './compose-process.ts';

/** How long Compose may take to give up. */
const patienceMs = 5000;

/** Has Compose make all that it will run, until that is done or the run is given up. */
export async function createServices(
  { cli, traces }: Pick<HandlerContext, 'cli' | 'traces'>,
  of: {
    readonly deps: Parameters<typeof startCompose>[1];
    readonly project: string;
    readonly words: readonly string[];
    readonly cwd: string;
  },
): Promise<void> {
  const { signal, clock } = cli;
  const { deps, project, words, cwd } = of;
  signal.throwIfAborted();
  const creating = startCompose(cli, deps, { words, cwd });
  const over = new AbortController();
  const kill = (): void => {
    creating.kill('SIGKILL');
    // The engine goes on with what it was told.
    traces.watcher.doubt();
  };
  const stop = (): void => {
    creating.kill('SIGINT');
    clock.sleep(patienceMs, over.signal).then(kill, () => {});
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const status = await creating.ended;
    signal.throwIfAborted();
    if (status === 0) return;
    const why = creating.lastWords.at(-1) ?? `exit code ${String(status)}`;
    throw new CliError('Failed', `the services of ${project} could not be made: ${why}`);
  } finally {
    over.abort(new Error('they are made'));
    signal.removeEventListener('abort', stop);
  }
}
