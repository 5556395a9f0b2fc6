import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { podNetworkCommand } from '../pod-network.ts';

/** A question that was asked, and whose answer came; `lost` after two seconds. */
export interface Asked {
  readonly how: 'kept' | 'new';
  readonly at: number;
  readonly ms: number;
  readonly answer: string;
}

/** A pod that goes on asking. */
export interface DnsLoop extends AsyncDisposable {
  /** What was asked from then on; waits until all of it is answered or lost. */
  asked(since: number, until?: number): Promise<readonly Asked[]>;
}

/** Starts to ask, each few milliseconds by a socket that is kept, and by a new one. */
export async function startDnsLoop(
  podIp: string,
  [host, port, everyMs]: readonly [string, number, number],
): Promise<DnsLoop> {
  const program = new URL('asking.client.ts', import.meta.url).pathname;
  const words = [process.execPath, program, host, String(port), String(everyMs)];
  const { argv, env } = await podNetworkCommand(podIp, words);
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const all: Asked[] = [];
  await once(lines, 'line', { signal: AbortSignal.timeout(10_000) });
  lines.on('line', (line) => void all.push(JSON.parse(line)));
  return {
    async asked(since, until = Date.now()) {
      // Longer than the pod waits for an answer.
      await sleep(Math.max(0, until + 2500 - Date.now()));
      return all.filter(({ at }) => at >= since && at <= until);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** How many of each answer there are; none may be of another kind than these. */
export function tally(asked: readonly Asked[], ...answers: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const { how, answer } of asked) {
    assert.ok(answers.includes(answer), `${answer} of ${how}`);
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return [...counts].map(([answer, count]) => `${String(count)} ${answer}`).join(', ');
}
