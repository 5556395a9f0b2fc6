import { firstLaptop, wireOf } from '../playground/addresses.ts';
import { runIn } from '../playground/machine.ts';
import type { Machine } from '../playground/machine.ts';

/**
 * Limits the wire between laptop and cluster in both directions, with one queue for all of it that
 * holds a fifth of a second, as cheap routers have; no limit any more when disposed.
 */
export async function narrowLink(
  machines: { readonly laptop: Machine; readonly cluster: Machine },
  options: { readonly mbits: number; readonly signal: AbortSignal },
): Promise<AsyncDisposable> {
  const { laptop, cluster } = machines;
  const ends = [
    { machine: laptop, device: 'eth0' },
    { machine: cluster, device: wireOf(firstLaptop).device },
  ] as const;
  const env = process.env;
  const rate = ['rate', `${String(options.mbits)}mbit`, 'burst', '32kb', 'latency', '200ms'];
  await using stack = new AsyncDisposableStack();
  for (const { machine, device } of ends) {
    const tc = ['tc', 'qdisc'];
    await runIn(machine, [...tc, 'replace', 'dev', device, 'root', 'tbf', ...rate], {
      env,
      signal: options.signal,
    });
    stack.defer(async () => {
      await runIn(machine, [...tc, 'del', 'dev', device, 'root'], {
        env,
        signal: AbortSignal.timeout(10_000),
      });
    });
  }
  return stack.move();
}
