import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { systemClock } from '#base/clock.ts';
import { podNetworkCommand } from './pod-network.ts';

const program = new URL('failures/loop.cluster.ts', import.meta.url).pathname;

/** One request of the loop. */
export interface Answer {
  /** When it was asked, in ms since the epoch. */
  readonly at: number;
  readonly tookMs: number;
  /** `200 body`, or `error CODE`. */
  readonly got: string;
}

/** A pod that asks again and again, by a new connection each time. */
export interface RequestLoop extends AsyncDisposable {
  /** In the order of asking. */
  readonly answers: readonly Answer[];
  /**
   * Waits until `wanted` has answered ten times in a row, and gives how long after `since` the
   * first of these was asked, and what went wrong between.
   */
  settles(
    wanted: RegExp,
    options: { readonly since: number; readonly withinMs: number; readonly what: string },
  ): Promise<{
    readonly afterMs: number;
    readonly errors: readonly Answer[];
    /** The longest time in which nothing was answered that was asked. */
    readonly outageMs: number;
  }>;
}

const inARow = 10;

/** Starts the loop in the network of a pod. */
export async function startRequestLoop(podIp: string, url: string): Promise<RequestLoop> {
  const { argv, env } = await podNetworkCommand(podIp, ['sh', 'tools/node', program, url, '50']);
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const answers: Answer[] = [];
  const waiting = new Set<number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [first, took, ...got] = line.split(' ');
    const at = Number(first);
    if (took === undefined) {
      waiting.add(at);
      return;
    }
    waiting.delete(at);
    const before = answers.findLastIndex((answer) => answer.at <= at);
    answers.splice(before + 1, 0, { at, tookMs: Number(took), got: got.join(' ') });
  });
  return {
    answers,
    async settles(wanted, { since, withinMs, what }) {
      const end = Date.now() + withinMs;
      for (;;) {
        const later = answers.filter(({ at }) => at >= since);
        const row = later.slice(-inARow);
        const settled = row.length === inARow && row.every(({ got }) => wanted.test(got));
        if (settled) {
          const other = later.findLastIndex(({ got }) => !wanted.test(got));
          const first = later[other + 1]?.at ?? since;
          const errors = later.filter(({ got }) => !got.startsWith('200 '));
          const good = [
            since,
            ...later.filter(({ got }) => got.startsWith('200 ')).map(({ at }) => at),
          ];
          const outage = Math.max(...good.map((at, index) => at - (good[index - 1] ?? at)));
          const slowest = Math.max(...later.map(({ tookMs }) => tookMs));
          console.log(
            `${what}: after ${String(first - since)} ms; ${String(errors.length)} of ` +
              `${String(later.length)} requests failed (${kinds(errors)}), slowest ` +
              `${String(slowest)} ms, nothing for ${String(outage)} ms, ${String(waiting.size)} wait`,
          );
          return { afterMs: first - since, errors, outageMs: outage };
        }
        if (Date.now() > end) {
          const last = row.map(({ got }) => got).join(', ');
          throw new Error(`${what}: not within ${String(withinMs)} ms; the last: ${last}`);
        }
        await systemClock.sleep(50, AbortSignal.timeout(60_000));
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
      const errors = answers.filter(({ got }) => !got.startsWith('200 '));
      const slow = answers.filter(({ tookMs }) => tookMs > 1000);
      console.log(
        `in all: ${String(answers.length)} requests, ${String(errors.length)} failed ` +
          `(${kinds(errors)}), ${String(slow.length)} took longer than a second ` +
          `(${String(Math.max(0, ...slow.map(({ tookMs }) => tookMs)))} ms the slowest)`,
      );
    },
  };
}

function kinds(errors: readonly Answer[]): string {
  const counts = new Map<string, number>();
  for (const { got } of errors) counts.set(got, (counts.get(got) ?? 0) + 1);
  return [...counts].map(([got, count]) => `${got}: ${String(count)}`).join(', ') || 'none';
}
