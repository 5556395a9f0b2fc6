import { run } from '../images/command.ts';
import { BenchError } from './error.ts';

/** What wrk counted. */
export interface WrkResult {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Connections that failed, answers that were none. */
  readonly errors: number;
}

interface WrkOptions {
  /** Words before `wrk …`. */
  readonly tool: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly url: string;
  readonly connections: number;
  /** A connection for each request. */
  readonly fresh: boolean;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Asks as fast as answers come, by so many connections at a time. */
export async function runWrk(options: WrkOptions): Promise<WrkResult> {
  const { connections, seconds } = options;
  const how = ['-t', '1', '-c', String(connections), '-d', `${String(seconds)}s`, '--latency'];
  const header = options.fresh ? ['-H', 'Connection: close'] : [];
  const argv = [...options.tool, 'wrk', ...how, '--timeout', '5s', ...header, options.url];
  const limit = AbortSignal.timeout(seconds * 1000 + 30_000);
  const { stdout } = await run(argv, {
    env: options.env,
    signal: AbortSignal.any([options.signal, limit]),
  });
  return readWrk(stdout);
}

const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function readWrk(text: string): WrkResult {
  const perSecond = /Requests\/sec:\s+([\d.]+)/.exec(text)?.[1];
  if (perSecond === undefined) throw new BenchError('BadOutput', `wrk: ${text}`);
  const at = (share: string): number => {
    const [, number, unit = ''] =
      new RegExp(`^\\s+${share}%\\s+([\\d.]+)(\\w+)`, 'm').exec(text) ?? [];
    return Number(number) * (units[unit] ?? Number.NaN);
  };
  const faults = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const wrong = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0;
  const errors = (faults?.slice(1) ?? []).reduce(
    (sum, count) => sum + Number(count),
    Number(wrong),
  );
  return { perSecond: Number(perSecond), p50: at('50'), p99: at('99'), errors };
}
