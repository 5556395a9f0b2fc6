import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';
import { podNetworkCommand } from './pod-network.ts';
import { laptopCommand } from './run.ts';

const program = new URL('failures/flow.client.ts', import.meta.url).pathname;

/** Requests one after the other by one connection, as long as it lasts. */
export interface OpenFlow extends AsyncDisposable {
  /** Waits until it is answered again after `since`, and says what became of the connection. */
  goesOn(since: number, withinMs: number): Promise<void>;
}

/** From where a flow is opened. */
export type From = 'laptop' | { readonly podIp: string };

/** Opens one and waits for its first answer. */
export async function startOpenFlow(what: string, from: From, url: string): Promise<OpenFlow> {
  const words = ['sh', 'tools/node', program, url];
  const { argv, env } = await (from === 'laptop'
    ? laptopCommand(words)
    : podNetworkCommand(from.podIp, words));
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: { at: number; tookMs: number; connection: string; got: string }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [at, tookMs, connection = '', ...got] = line.split(' ');
    lines.push({ at: Number(at), tookMs: Number(tookMs), connection, got: got.join(' ') });
  });
  await eventually(`${what}: an open flow`, 20_000, async () => {
    assert.ok(lines.some(({ got }) => got === '200'));
  });
  return {
    async goesOn(since, withinMs) {
      await eventually(`${what}: answered`, withinMs, async () => {
        assert.ok(lines.some(({ at, got }) => at >= since && got === '200'));
      });
      // What was under way when it broke counts too.
      const concerned = lines.filter(({ at, tookMs }) => at + tookMs >= since);
      const connections = new Set(concerned.map(({ connection }) => connection));
      const broken = concerned.filter(({ got }) => got !== '200').map(({ got }) => got);
      const slowest = Math.max(...concerned.map(({ tookMs }) => tookMs));
      console.log(
        `${what}: ${connections.size === 1 ? 'the same connection' : 'a new connection'}, ` +
          `slowest ${String(slowest)} ms, broken: ${broken.join(', ') || 'none'}`,
      );
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
