import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { laptopCommand, type RunOptions } from './run.ts';

/** A program on the laptop that listens on a port. */
export interface LaptopListener extends AsyncDisposable {
  readonly port: number;
}

/** Runs a program of Node that prints its port first; it has ended when this is disposed. */
export async function startListener(
  words: readonly string[],
  options: Pick<RunOptions, 'laptop'> = {},
): Promise<LaptopListener> {
  const { argv, env } = await laptopCommand([process.execPath, ...words], options);
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line]: unknown[] = await once(createInterface({ input: child.stdout }), 'line', {
    signal: AbortSignal.timeout(10_000),
  });
  return {
    port: Number(line),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
