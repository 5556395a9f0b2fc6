import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { podNetworkCommand } from '../pod-network.ts';
import { laptopCommand } from '../run.ts';
import { flows, type LoadRecord } from './record.ts';

const record = v.object({
  kind: v.picklist(flows),
  target: v.string(),
  id: v.string(),
  openedAt: v.number(),
  nth: v.number(),
  idleMs: v.number(),
  stalledMs: v.number(),
  askedAt: v.number(),
  endedAt: v.number(),
  before: v.exactOptional(v.string()),
  by: v.exactOptional(v.string()),
  error: v.exactOptional(v.string()),
});
const line = v.pipe(v.string(), v.parseJson(), record);

/** A pod that asks steadily. */
export interface LoadClient extends AsyncDisposable {
  /** In the order of their ends. */
  readonly records: readonly LoadRecord[];
  /** It asks no more; resolves once all that it has asked is answered, or is given up. */
  stop(): Promise<void>;
}

/** Starts it in the network of a pod; a target is `NAME=HOST:HTTP-PORT:PG-PORT`. */
export async function startLoadClient(
  podIp: string,
  targets: readonly string[],
): Promise<LoadClient> {
  const program = new URL('asking.cluster.ts', import.meta.url).pathname;
  const { argv, env } = await podNetworkCommand(podIp, ['sh', 'tools/node', program, ...targets]);
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const records: LoadRecord[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (text) => {
    records.push(v.parse(line, text));
  });
  const told = once(lines, 'close');
  return {
    records,
    async stop() {
      child.kill('SIGTERM');
      await told;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** The handler on the laptop: its ports, and how often it has handled what. */
export interface LoadHandler extends AsyncDisposable {
  readonly httpPort: number;
  readonly pgPort: number;
}

/** Starts it; PostgreSQL is passed on to `database`. */
export async function startLoadHandler(database: string): Promise<LoadHandler> {
  const program = new URL('answering.ts', import.meta.url).pathname;
  const words = ['sh', 'tools/node', program, '0', 'laptop', database];
  const { argv, env } = await laptopCommand(words);
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  let said: unknown;
  try {
    // On a busy machine the program alone takes many seconds to start.
    const signal = AbortSignal.timeout(90_000);
    [said] = await once(createInterface({ input: child.stdout }), 'line', { signal });
  } catch (error) {
    await stop();
    throw error;
  }
  const [httpPort, pgPort] = String(said).split(' ').map(Number);
  return {
    httpPort: httpPort ?? 0,
    pgPort: pgPort ?? 0,
    [Symbol.asyncDispose]: stop,
  };
}
