import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';

/** Ctrl-C, SIGTERM and SIGHUP of one run, each time a step firmer. */
export interface Interrupts extends Disposable {
  /** The first: the run ends, in its order. */
  readonly end: AbortSignal;
  /** The second: nobody is given time. */
  readonly hurry: AbortSignal;
  /** The third: what undoes a prerequisite is stopped too. */
  readonly force: AbortSignal;
}

/** Takes them for itself; for whoever is called meanwhile, `end` is the signal. */
export function takeInterrupts(context: Pick<CliContext, 'takeSignals'>): Interrupts {
  const steps = [new AbortController(), new AbortController(), new AbortController()] as const;
  const taken = context.takeSignals(() => {
    steps.find(({ signal }) => !signal.aborted)?.abort(new CliError('Interrupted', 'interrupted'));
  });
  const [end, hurry, force] = steps;
  return {
    end: end.signal,
    hurry: hurry.signal,
    force: force.signal,
    [Symbol.dispose]: () => taken[Symbol.dispose](),
  };
}
