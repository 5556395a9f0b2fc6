import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { laptopCommand } from './run.ts';

/** An HTTP server that runs on the laptop and answers every request with one line. */
export interface Echo extends AsyncDisposable {
  /** How many requests it has answered so far. */
  readonly requests: number;
}

const program = `
const [port, text, host] = process.argv.slice(1);
require('node:http').createServer((request, response) => {
  response.end(text + '\\n');
  console.log(request.url);
}).listen(Number(port), host, () => console.log('listening'));
`;

/** Starts one; it listens when the promise resolves, and is gone when it is disposed. */
export async function startEcho(options: {
  readonly port: number;
  readonly text: string;
  readonly host?: string;
}): Promise<Echo> {
  const { port, text, host = '127.0.0.1' } = options;
  const words = [process.execPath, '-e', program, String(port), text, host];
  const command = await laptopCommand(words);
  const [file = '', ...args] = command.argv;
  const child = spawn(file, args, { env: command.env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  let requests = -1;
  lines.on('line', () => {
    requests += 1;
  });
  await once(lines, 'line', { signal: AbortSignal.timeout(10_000) });
  return {
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
