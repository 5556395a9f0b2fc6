import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { podNetworkCommand } from '../pod-network.ts';
import { laptopCommand } from '../run.ts';

const program = new URL('mixed.client.ts', import.meta.url).pathname;
const countsOf = v.record(v.string(), v.object({ done: v.number(), failed: v.number() }));

/** What came of each kind of request so far. */
export type Counts = v.InferOutput<typeof countsOf>;

/** Mixed traffic, under way. */
export interface Mixed extends AsyncDisposable {
  readonly counts: Counts;
  /** Requests that were answered, and those that were not. */
  readonly done: number;
  readonly failed: number;
}

/** Starts it on the laptop or in a pod's network; `turns` are words like `new=http://hello/`. */
export async function startMixed(
  from: 'laptop' | { readonly podIp: string },
  perSecond: number,
  turns: readonly string[],
): Promise<Mixed> {
  const words = ['sh', 'tools/node', program, String(perSecond), ...turns];
  const { argv, env } = await (from === 'laptop'
    ? laptopCommand(words)
    : podNetworkCommand(from.podIp, words));
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let counts: Counts = {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    counts = v.parse(countsOf, JSON.parse(line));
  });
  const sum = (what: 'done' | 'failed'): number =>
    Object.values(counts).reduce((total, count) => total + count[what], 0);
  return {
    get counts() {
      return counts;
    },
    get done() {
      return sum('done');
    },
    get failed() {
      return sum('failed');
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.stdin.end();
      await once(child, 'exit', { signal: AbortSignal.timeout(10_000) });
    },
  };
}
