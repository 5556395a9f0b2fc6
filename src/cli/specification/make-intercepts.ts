import { describe } from '#base/errors.ts';
import { makeIntercept, type MadeIntercept } from '../attach/make-intercept.ts';
import type { InterceptAsked } from '../attach/intercept-request.ts';
import type { CliContext } from '../context.ts';
import { handlerLines } from '../output/intercept-block.ts';
import { mayShare } from './intend.ts';
import type { IntendedIntercept, ReadyHandler, ServedIntercept } from './handlers/handler-kind.ts';
import type { PlannedIntercept } from './plan.ts';
import type { Journal } from './undo/journal.ts';

/** An intercept to be made, and who will answer for it. */
export interface WantedIntercept {
  readonly planned: PlannedIntercept;
  readonly intended: IntendedIntercept;
  readonly ready: ReadyHandler;
}

/** One that is active. */
export interface RunIntercept {
  readonly planned: PlannedIntercept;
  readonly served: ServedIntercept;
  readonly made: Pick<MadeIntercept, 'info'>;
  /** Resolves with why, when it has ended. */
  readonly ended: Promise<string>;
}

/** Makes one after the other, and tells of each. */
export async function makeIntercepts(
  context: CliContext,
  wanted: readonly WantedIntercept[],
  journal: Journal,
  undo: AsyncDisposableStack,
): Promise<readonly RunIntercept[]> {
  const made: RunIntercept[] = [];
  for (const one of wanted) {
    const { planned, intended, ready } = one;
    const { daemon, inDocker } = intended.connection;
    const own = { spec: planned.spec, localPort: intended.localPort };
    const others = made.filter((each) =>
      mayShare({ spec: each.planned.spec, localPort: each.served.localPort }, own),
    );
    const mount = ready.mountOf(intended);
    const request = {
      ...interceptAsked(planned, intended),
      ...(mount === undefined ? {} : { mount }),
      hold: true,
      sameHandler: others.map(({ served }) => served.name),
    };
    const intercept = await whileItIsMade(context, async (signal) => {
      return await makeIntercept({ ...context, signal }, daemon, request);
    });
    const { info } = intercept;
    const { name, id } = info;
    const crossOut = journal.write({ kind: 'leave', connection: inDocker?.connection, name, id });
    let isOver = false;
    const ended = intercept.ended().then((why) => {
      isOver = true;
      return why;
    });
    undo.defer(async () => {
      if (!isOver) await leave(context, intercept);
      crossOut();
    });
    made.push({ planned, served: { ...intended, info }, made: intercept, ended });
    const [, ...block] = handlerLines(info);
    context.show({ text: block });
  }
  return made;
}

/**
 * The call's end is the intercept's. Ctrl-C ends it while it is made, and not after: first the handlers
 * are stopped.
 */
async function whileItIsMade<T>(
  { signal: end }: Pick<CliContext, 'signal'>,
  make: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const making = new AbortController();
  const giveUp = (): void => making.abort(end.reason);
  end.addEventListener('abort', giveUp, { once: true });
  try {
    end.throwIfAborted();
    return await make(making.signal);
  } finally {
    end.removeEventListener('abort', giveUp);
  }
}

/** What the daemon is asked for. */
export function interceptAsked(
  { spec, workload, namespace }: PlannedIntercept,
  { localPort }: Pick<IntendedIntercept, 'localPort'>,
): InterceptAsked {
  const { name, service = '', port, localAddress, replace } = spec;
  return {
    name,
    workload,
    service,
    address: localAddress === '127.0.0.1' ? '' : localAddress,
    port: port === undefined ? String(localPort) : `${String(localPort)}:${String(port)}`,
    mechanism: 'tcp',
    namespace: namespace ?? '',
    container: '',
    force: false,
    toPod: [],
    replace,
    mode: 'intercept',
  };
}

/** Where the daemon is gone, so is the intercept. */
async function leave(context: CliContext, made: MadeIntercept): Promise<void> {
  try {
    await made.leave();
  } catch (error) {
    const why = describe(error);
    const { name } = made.info;
    context.warn(
      `telepresence intercept run: warning: the intercept ${name} could not be ended (${why}); end it: telepresence leave ${name}`,
    );
  }
}
