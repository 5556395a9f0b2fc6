import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import type { Layout } from './layout.ts';
import { runIn, type Machine } from './machine.ts';
import { PlaygroundError } from './error.ts';

/** A long-running program of the playground. */
export interface Component {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface ComponentDeps {
  readonly layout: Layout;
  readonly machine: Machine;
}

/** Starts a component in its machine and does not wait until it is ready. */
export async function startComponent(
  deps: ComponentDeps,
  component: Component,
  signal: AbortSignal,
): Promise<void> {
  const environment = Object.entries(component.env ?? {}).map(
    ([name, value]) => `${name}=${value}`,
  );
  const words = ['env', ...environment, ...component.argv].map(quote);
  await writeFile(scriptOf(deps.layout, component.name), `exec ${words.join(' ')}\n`);
  await launch(deps, component.name, signal);
}

/** Ends a component and starts it again as it was started before. */
export async function restartComponent(
  deps: ComponentDeps,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  await stopComponent(deps, name, signal);
  await launch(deps, name, signal);
}

async function launch(deps: ComponentDeps, name: string, signal: AbortSignal): Promise<void> {
  // Its parent ends at once, so it becomes a child of the machine's first process.
  const script = 'setsid sh "$1" >>"$2" 2>&1 </dev/null & echo $! >"$3"';
  const { layout } = deps;
  const files = [scriptOf(layout, name), logOf(layout, name), pidFile(layout, name)];
  await runIn(deps.machine, ['sh', '-euc', script, 'sh', ...files], { signal });
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Ends a component and waits until it is gone. */
export async function stopComponent(
  deps: ComponentDeps,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const pid = (await readFile(pidFile(deps.layout, name), 'utf8').catch(() => '')).trim();
  if (pid === '') throw new PlaygroundError('BadUsage', `no component ${name} was started`);
  // An API server would wait a minute for its clients' watches.
  const script = `
    kill "$1" 2>/dev/null || exit 0
    for _ in $(seq 60); do kill -0 "$1" 2>/dev/null || exit 0; sleep 0.05; done
    kill -9 "$1" 2>/dev/null || exit 0
    while kill -0 "$1" 2>/dev/null; do sleep 0.05; done`;
  await runIn(deps.machine, ['sh', '-c', script, 'sh', pid], { signal });
}

/** Whether the component's process lives. */
export async function isRunning(
  deps: ComponentDeps,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const pid = (await readFile(pidFile(deps.layout, name), 'utf8').catch(() => '')).trim();
  if (pid === '') return false;
  const probe = await runIn(deps.machine, ['kill', '-0', pid], { signal, mayFail: true });
  return probe.status === 0;
}

/** Repeats `probe` until it says yes; after `seconds` fails with what was waited for. */
export async function waitUntil(
  what: string,
  options: {
    readonly seconds: number;
    readonly signal: AbortSignal;
    /** Words to add to the failure, such as the end of a log. */
    readonly explain?: () => Promise<string>;
  },
  probe: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + options.seconds * 1000;
  for (;;) {
    options.signal.throwIfAborted();
    if (await probe()) return;
    if (performance.now() > deadline) {
      const why = (await options.explain?.()) ?? '';
      throw new PlaygroundError('TooLate', `${what}: not within ${options.seconds} s\n${why}`);
    }
    await systemClock.sleep(100, options.signal);
  }
}

/** The last lines of a component's log. */
export async function logTail(layout: Layout, name: string): Promise<string> {
  const text = await readFile(logOf(layout, name), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-12).join('\n');
}

/** The names of the cluster's components that were started; those of a laptop are `NAME@LAPTOP`. */
export async function startedComponents(layout: Layout): Promise<readonly string[]> {
  const files = await readdir(layout.logs).catch(() => []);
  const names = files.filter((file) => file.endsWith('.pid')).map((file) => file.slice(0, -4));
  return names.filter((name) => !name.includes('@'));
}

const scriptOf = (layout: Layout, name: string): string => join(layout.config, `${name}.sh`);
const logOf = (layout: Layout, name: string): string => join(layout.logs, `${name}.log`);
const pidFile = (layout: Layout, name: string): string => join(layout.logs, `${name}.pid`);
