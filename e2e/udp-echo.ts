import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { podNetworkCommand } from './pod-network.ts';

/** Answers datagrams in a pod's network: at all its addresses, or at `host` alone. */
export async function startUdpEcho(
  podIp: string,
  port: number,
  host?: string,
): Promise<AsyncDisposable> {
  const program = new URL('device/udp-echo.ts', import.meta.url).pathname;
  const words = [process.execPath, program, String(port), ...(host === undefined ? [] : [host])];
  const { argv, env } = await podNetworkCommand(podIp, words);
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
