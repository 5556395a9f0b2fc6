import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { laptopCommand } from '../run.ts';

/** A DNS server on the laptop that answers `laptop`. */
export interface DnsHandler extends AsyncDisposable {
  readonly port: number;
}

/** Starts one; it has ended when this is disposed. */
export async function startDnsHandler(
  what: 'udp' | 'tcp' | 'both',
  wanted = 0,
): Promise<DnsHandler> {
  const program = new URL('dns.laptop.ts', import.meta.url).pathname;
  const { argv, env } = await laptopCommand([process.execPath, program, String(wanted), what]);
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
