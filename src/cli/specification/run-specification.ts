import type { HandlerSpec } from '#spec/handler-spec.ts';
import type { Specification } from '#spec/specification.ts';
import type { FoundConfig } from '../config/client-config.ts';
import type { CliContext } from '../context.ts';
import { openDocker } from '../docker/docker-failure.ts';
import { listDockerConnections } from '../docker/helpers.ts';
import { CliError } from '../errors.ts';
import { beginSpecificationRun } from './begin-specification-run.ts';
import { connectAll } from './connect-all.ts';
import { handlerContext, type SharedByHandlers } from './handler-context.ts';
import type { IntendedIntercept, ReadyHandler } from './handlers/handler-kind.ts';
import { prepareHandler } from './handlers/prepare-handler.ts';
import { heldLines } from './held-lines.ts';
import { intend } from './intend.ts';
import { takeInterrupts, type Interrupts } from './interrupts.ts';
import { makeIntercepts, type WantedIntercept } from './make-intercepts.ts';
import { placeFor, planRun, refuseSandbox, type PlannedIntercept, type RunPlan } from './plan.ts';
import { refuseTakenNames } from './refuse-taken-names.ts';
import { runPrerequisites, type Aftermath, type ReadDocument } from './run-prerequisites.ts';
import { defaultGraceSeconds, stopHandlers, type StoppableHandler } from './stop-handlers.ts';
import { waitForEnd } from './wait-for-end.ts';

/** A specification as it was read. */
export interface RunSource extends ReadDocument {
  readonly specification: Specification;
  /** Where its relative paths start. */
  readonly directory: string;
}

interface RunOptions {
  /** `--docker` */
  readonly wantsDocker: boolean;
  readonly settings: FoundConfig;
}

/** Runs it until something ends it, takes all of it back, and returns the exit code. */
export async function runSpecification(
  context: CliContext,
  source: RunSource,
  options: RunOptions,
): Promise<number> {
  const plan = planRun(source.specification);
  using interrupts = takeInterrupts(context);
  const cli: CliContext = {
    ...context,
    signal: interrupts.end,
    takeSignals: () => ({ [Symbol.dispose]: () => {} }),
  };
  const aftermath: Aftermath = { status: 0 };
  const status = await runPlan(cli, { plan, source, options, interrupts, aftermath });
  return status === 0 ? aftermath.status : status;
}

interface Intended {
  readonly planned: PlannedIntercept;
  readonly intended: IntendedIntercept;
}

interface Parts {
  readonly plan: RunPlan;
  readonly source: RunSource;
  readonly options: RunOptions;
  readonly interrupts: Interrupts;
  readonly aftermath: Aftermath;
}

async function runPlan(cli: CliContext, parts: Parts): Promise<number> {
  const { plan, source, options, interrupts, aftermath } = parts;
  const inDocker = await placeOf(cli, plan, options);
  const needsDocker = handlersOf(plan).some((handler) => placeFor(handler) === 'container');
  const docker = needsDocker ? await openDocker(cli) : undefined;
  await using undo = new AsyncDisposableStack();
  const run = await beginSpecificationRun(cli, { docker }, undo);
  const { settings } = options;
  const connections = await connectAll(cli, plan, { inDocker, settings, run }, undo);
  const intended = plan.intercepts.map((planned) => ({
    planned,
    intended: intend(planned, plan, {
      connections,
      defaultPort: settings.config.intercept.defaultPort,
    }),
  }));
  const wishes = intended.map((one) => one.intended);
  await refuseTakenNames(cli, wishes);
  // What handlers say before all of them run comes after it was said that they do.
  const lines = heldLines(cli);
  using _opened = { [Symbol.dispose]: () => lines.open() };
  const { directory, document, name } = source;
  const { journal } = run;
  const width = Math.max(...handlersOf(plan).map((handler) => handler.name.length));
  const shared: SharedByHandlers = { directory, connections, journal, width, lines: cli };
  const of = { run, shared, interrupts, aftermath, document, name };
  const failed = await runPrerequisites(cli, plan, of, undo);
  if (failed !== 0) return failed;

  undo.defer(async () => await run.sweep());
  const ready: {
    readonly handler: HandlerSpec;
    readonly own: readonly Intended[];
    readonly ready: ReadyHandler;
  }[] = [];
  for (const { handler } of plan.handlers) {
    const own = intended.filter(({ planned }) => planned.spec.handler === handler.name);
    const traces = run.tracesOf(handler.name);
    const held = { ...shared, lines };
    const intercepts = own.map((one) => one.intended);
    const one = handlerContext(cli, held, { handler, intercepts, traces });
    ready.push({ handler, own, ready: undo.use(await prepareHandler(handler, one)) });
    cli.signal.throwIfAborted();
  }
  const wanted: readonly WantedIntercept[] = intended.flatMap(({ planned, intended: each }) =>
    ready
      .filter(({ handler }) => handler.name === planned.spec.handler)
      .map((one) => ({ planned, intended: each, ready: one.ready })),
  );
  const made = await makeIntercepts(cli, wanted, journal, undo);
  const running: StoppableHandler[] = [];
  undo.defer(async () => await stopHandlers(cli, running, interrupts.hurry));
  for (const { handler, ready: one } of ready) {
    const served = made.filter(({ planned }) => planned.spec.handler === handler.name);
    const graceSeconds = handler.stopGraceSeconds ?? defaultGraceSeconds;
    const started = await one.start(served.map((each) => each.served));
    running.push({ running: started, graceSeconds });
    cli.signal.throwIfAborted();
  }
  run.settled();
  const handlers = running.map((each) => each.running);
  if ((await endedAlready(handlers)) === undefined) {
    cli.print(`Intercept spec "${plan.name}" started successfully, use ctrl-c to cancel.`);
  }
  lines.open();
  return await waitForEnd(cli, handlers, made, interrupts.end);
}

/** All handlers of a run, each as often as it is needed. */
function handlersOf({ handlers, prerequisites }: RunPlan): readonly HandlerSpec[] {
  return [
    ...handlers.map(({ handler }) => handler),
    ...prerequisites.flatMap((one) =>
      one.delete === undefined ? [one.create] : [one.create, one.delete],
    ),
  ];
}

/** Whether the daemons are to run in containers. */
async function placeOf(
  context: CliContext,
  { place, connections, handlers }: RunPlan,
  { wantsDocker }: RunOptions,
): Promise<boolean> {
  if (place === 'container') return true;
  const onLaptop = handlers.find(({ handler }) => placeFor(handler) === 'laptop')?.handler.name;
  if (place === 'laptop' && wantsDocker) {
    throw new CliError(
      'Usage',
      `handler ${onLaptop ?? ''} runs on this machine itself, where nothing of a daemon in a container arrives`,
      { hint: 'leave --docker out, or make it a docker handler' },
    );
  }
  const inDocker =
    place === 'either' && (wantsDocker || (await listDockerConnections(context)).length > 0);
  if (!inDocker) refuseSandbox(connections, 'add --docker');
  return inDocker;
}

/** The exit code of one that has failed while it was started. */
async function endedAlready(
  handlers: readonly { readonly ended: Promise<number> }[],
): Promise<number | undefined> {
  return await Promise.race([...handlers.map(({ ended }) => ended), Promise.resolve(undefined)]);
}
