import * as v from 'valibot';
import { run } from '../images/command.ts';
import { cpuBetween, readCpu } from './cpu.ts';
import type { Role } from './cpu.ts';
import { BenchError } from './error.ts';
import type { Stage, StageName } from './stages.ts';
import { quantile } from './statistics.ts';

/** One thing to measure. */
export type Metric =
  | {
      /** `flood` is our own iperf3, for what does not survive the real one. */
      readonly kind: 'iperf' | 'flood';
      readonly direction: 'up' | 'down';
      readonly flows: 1 | 8;
    }
  | { readonly kind: 'http' }
  | { readonly kind: 'echo' };

/** All of them, in the order of measuring. */
export const metrics: readonly Metric[] = [
  { kind: 'iperf', direction: 'up', flows: 1 },
  { kind: 'iperf', direction: 'down', flows: 1 },
  { kind: 'iperf', direction: 'up', flows: 8 },
  { kind: 'iperf', direction: 'down', flows: 8 },
  { kind: 'flood', direction: 'up', flows: 1 },
  { kind: 'flood', direction: 'down', flows: 1 },
  { kind: 'flood', direction: 'up', flows: 8 },
  { kind: 'flood', direction: 'down', flows: 8 },
  { kind: 'http' },
  { kind: 'echo' },
];

/**
 * Whether a metric is measured on a path. iperf3 ends with a reset, and `kubectl port-forward` ends
 * at the first one; our own flood is there to compare the two of us.
 */
export function applies(metric: Metric, stage: StageName, all: readonly StageName[]): boolean {
  if (metric.kind === 'iperf') return stage !== 'kubectl';
  if (metric.kind === 'flood') {
    return stage === 'kubectl' || stage === (all.includes('ours') ? 'ours' : 'tunnel');
  }
  return true;
}

/** `up 1`, `flood up 1`, `http`: the metric's name in files. */
export function metricName(metric: Metric): string {
  if (metric.kind === 'iperf') return `${metric.direction} ${metric.flows}`;
  if (metric.kind === 'flood') return `flood ${metric.direction} ${metric.flows}`;
  return metric.kind;
}

/** What was measured: Gbit/s, or milliseconds. */
export type Measured =
  | {
      readonly kind: 'rate';
      readonly gbits: number;
      /** Processor seconds for each gigabyte. */
      readonly cpuPerGb: ReadonlyMap<Role, number>;
    }
  | { readonly kind: 'wait'; readonly p50: number; readonly p99: number };

interface MeasureOptions {
  readonly seconds: number;
  readonly tries: number;
  /** The first processes of the machines whose processor time is looked at. */
  readonly machines: readonly number[];
  readonly signal: AbortSignal;
}

/** Measures once. */
export async function measure(
  stage: Stage,
  metric: Metric,
  options: MeasureOptions,
): Promise<Measured> {
  await stage.activate();
  return metric.kind === 'iperf' || metric.kind === 'flood'
    ? measureRate(stage, metric, options)
    : measureWait(stage, metric.kind, options);
}

const iperfReport = v.object({
  error: v.optional(v.string()),
  end: v.optional(
    v.object({
      sum_received: v.optional(v.object({ bits_per_second: v.number(), bytes: v.number() })),
    }),
  ),
});

const floodReport = v.object({ bytes: v.number(), gbits: v.number() });

type Rate = Metric & { readonly kind: 'iperf' | 'flood' };

async function measureRate(stage: Stage, metric: Rate, options: MeasureOptions): Promise<Measured> {
  const before = await readCpu(options.machines);
  // One that hangs is a failure like any other.
  const limit = AbortSignal.timeout(options.seconds * 1000 + 10_000);
  const limited = { ...options, signal: AbortSignal.any([options.signal, limit]) };
  const { bytes, gbits } = await (metric.kind === 'iperf'
    ? runIperf(stage, metric, limited)
    : runFlood(stage, metric, limited));
  const used = cpuBetween(before, await readCpu(options.machines));
  const cpuPerGb = new Map([...used].map(([role, seconds]) => [role, (seconds * 1e9) / bytes]));
  return { kind: 'rate', gbits, cpuPerGb };
}

interface Rated {
  readonly bytes: number;
  readonly gbits: number;
}

async function runIperf(stage: Stage, metric: Rate, options: MeasureOptions): Promise<Rated> {
  const { host, port } = stage.at.iperf;
  const to = ['--client', host, '--port', String(port), '--connect-timeout', '5000'];
  const how = ['--time', String(options.seconds), '--parallel', String(metric.flows), '--json'];
  const direction = metric.direction === 'down' ? ['--reverse'] : [];
  const argv = [...stage.client.tool, 'iperf3', ...to, ...how, ...direction];
  try {
    const { stdout } = await run(argv, { ...options, env: stage.env, mayFail: true });
    const report = v.parse(iperfReport, JSON.parse(stdout.slice(stdout.indexOf('{'))));
    const received = report.end?.sum_received;
    if (report.error !== undefined || received === undefined) {
      throw new BenchError('BadOutput', `iperf3: ${report.error ?? 'no result'}`);
    }
    return { bytes: received.bytes, gbits: received.bits_per_second / 1e9 };
  } catch (error) {
    // Its server would wait for the rest of the broken run.
    await stage.restartIperf(AbortSignal.timeout(10_000));
    throw error;
  }
}

async function runFlood(stage: Stage, metric: Rate, options: MeasureOptions): Promise<Rated> {
  const { host, port } = stage.at.flood;
  const what = [metric.direction, host, port, metric.flows, options.seconds].map(String);
  const { stdout } = await run([...stage.client.flood, ...what], { ...options, env: stage.env });
  return v.parse(floodReport, JSON.parse(stdout));
}

async function measureWait(
  stage: Stage,
  kind: 'http' | 'echo',
  options: MeasureOptions,
): Promise<Measured> {
  const { host, port } = stage.at[kind];
  const argv = [...stage.client.probe, kind, host, String(port), String(options.tries)];
  const { stdout } = await run(argv, {
    env: stage.env,
    signal: AbortSignal.any([options.signal, AbortSignal.timeout(30_000)]),
  });
  const samples = v.parse(v.array(v.number()), JSON.parse(stdout));
  return { kind: 'wait', p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) };
}
