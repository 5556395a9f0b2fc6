import type { HandlerSpec } from '#spec/handler-spec.ts';
import type { CliContext } from '../context.ts';
import type {
  HandlerContext,
  IntendedIntercept,
  RunConnection,
  RunTraces,
} from './handlers/handler-kind.ts';
import { handlerOutput } from './handlers/handler-output.ts';
import type { Journal } from './undo/journal.ts';

/** What all handlers of one run share. */
export interface SharedByHandlers {
  readonly directory: string;
  readonly connections: readonly RunConnection[];
  readonly journal: Journal;
  /** Of the longest name. */
  readonly width: number;
  /** Where theirs go. */
  readonly lines: Pick<CliContext, 'print' | 'warn'>;
}

/** What one handler is started with. */
export function handlerContext(
  cli: CliContext,
  shared: SharedByHandlers,
  of: {
    readonly handler: HandlerSpec;
    readonly intercepts: readonly IntendedIntercept[];
    readonly traces: RunTraces;
  },
): HandlerContext {
  const { handler, intercepts, traces } = of;
  const { directory, connections, journal, width } = shared;
  const { name } = handler;
  const variables = handler.environment.map((one) => [one.name, one.value] as const);
  return {
    cli,
    name,
    environment: Object.fromEntries(variables),
    directory,
    connections,
    intercepts,
    output: handlerOutput(shared.lines, { name, width }),
    journal,
    traces,
  };
}
