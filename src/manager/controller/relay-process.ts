import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { backoff } from '#base/wait.ts';
import type { RelaySettings } from '../relay/settings.ts';

interface Deps {
  readonly clock: Pick<Clock, 'sleep' | 'monotonic'>;
  readonly log: Logger;
  readonly random: () => number;
}

const steadyMs = 10_000;

/**
 * Keeps the relay running beside the controller, in a process of its own: bulk must not delay
 * admission. It gets its settings by standard input, whose end also tells it that we are gone.
 */
export async function keepRelayProcess(
  deps: Deps,
  options: {
    readonly command: readonly [string, ...string[]];
    readonly settings: RelaySettings;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { signal } = options;
  const delays = backoff(deps, { firstMs: 100, lastMs: 5000 });
  while (!signal.aborted) {
    const startedAt = deps.clock.monotonic();
    const how = await runOnce(options).catch(describe);
    if (signal.aborted) return;
    deps.log.error('relay ended', { how });
    if (deps.clock.monotonic() - startedAt > steadyMs) delays.reset();
    await deps.clock.sleep(delays.next(), signal).catch(() => {});
  }
}

async function runOnce(options: {
  readonly command: readonly [string, ...string[]];
  readonly settings: RelaySettings;
  readonly signal: AbortSignal;
}): Promise<string> {
  const [program, ...args] = options.command;
  const child = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  const stop = (): void => void child.kill('SIGTERM');
  if (options.signal.aborted) stop();
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    child.stdin.on('error', () => {});
    // Left open: its end means that the controller is gone.
    child.stdin.write(`${JSON.stringify(options.settings)}\n`);
    const [code, killer] = await once(child, 'exit');
    return killer === null ? `exit code ${String(code)}` : String(killer);
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}
