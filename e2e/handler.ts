import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { laptopCommand } from './run.ts';

/** A web server on the laptop that answers everything with one word. */
export interface Handler extends AsyncDisposable {
  readonly port: number;
}

/** Starts one; it has ended when this is disposed. */
export async function startHandler(
  answer: string,
  status = 200,
  laptop: 1 | 2 = 1,
): Promise<Handler> {
  const program = `require('node:http')
    .createServer((request, response) =>
      response.writeHead(${String(status)}).end(${JSON.stringify(`${answer}\n`)}))
    .listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;
  const { argv, env } = await laptopCommand([process.execPath, '-e', program], { laptop });
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
