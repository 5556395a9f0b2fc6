/** How fast bytes go through the tunnel, beside what else carries them: see docs/performance.md. */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { describe } from '#base/errors.ts';
import { firstLaptop } from '../playground/addresses.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { benchAlone, progress, untilInterrupted } from './alone.ts';
import { BenchError } from './error.ts';
import { prepareLab } from './lab.ts';
import { applies, measure, metricName, metrics } from './metrics.ts';
import type { Metric } from './metrics.ts';
import { prepareProduct } from './product.ts';
import { reportOf } from './report.ts';
import type { Sample } from './sample.ts';
import { openStage, roundTrips, stageNames } from './stages.ts';
import type { RoundTrip, Stage, StageName } from './stages.ts';

const { values: asked } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    stages: { type: 'string', default: 'direct,raw,kubectl,tunnel,ours' },
    metrics: { type: 'string', default: 'iperf,flood,http,echo' },
    rtt: { type: 'string', default: '0,20' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '4' },
    'node-options': { type: 'string', default: '' },
  },
});
const list = (text: string): readonly string[] => text.split(',').map((word) => word.trim());
const plan = {
  stages: list(asked.stages).map((word): StageName => oneOf(stageNames, word)),
  metrics: list(asked.metrics).flatMap(metricsNamed),
  roundTrips: list(asked.rtt).map((word): RoundTrip => oneOf(roundTrips, word)),
  rounds: Number(asked.rounds ?? (asked.quick ? 1 : 3)),
  seconds: Number(asked.seconds ?? (asked.quick ? 1 : 2)),
  tries: asked.quick ? 30 : 100,
  connections: Number(asked.connections),
} as const;

function oneOf<T extends string | number>(known: readonly T[], word: string): T {
  const found = known.find((value) => String(value) === word);
  if (found === undefined) throw new BenchError('BadUsage', `${word}: use ${known.join(', ')}`);
  return found;
}

/** A metric's name, or a kind's for all of it. */
function metricsNamed(word: string): readonly Metric[] {
  const found = metrics.filter((metric) => metricName(metric) === word || metric.kind === word);
  if (found.length > 0) return found;
  throw new BenchError(
    'BadUsage',
    `${word}: use ${metrics.map(metricName).join(', ')}, iperf, flood`,
  );
}

const signal = untilInterrupted();

async function sampleOf(
  stage: Stage,
  metric: Metric,
  options: { readonly round: number; readonly machines: readonly number[] },
): Promise<Sample> {
  const { round, machines } = options;
  const what = { round, stage: stage.name, rtt: stage.rtt, metric: metricName(metric) };
  try {
    const measured = await measure(stage, metric, { ...plan, machines, signal });
    if (measured.kind === 'wait') return { ...what, p50: measured.p50, p99: measured.p99 };
    const cpuPerGb = Object.fromEntries(measured.cpuPerGb);
    return { ...what, gbits: measured.gbits, cpuPerGb };
  } catch (error) {
    signal.throwIfAborted();
    return { ...what, failed: describe(error) };
  }
}

async function runPlan(): Promise<readonly Sample[]> {
  const { layout } = settingsFrom(process.env);
  await using _alone = await benchAlone(signal);
  const cluster = await requireMachine(layout, clusterMachine);
  const laptop = await requireMachine(layout, firstLaptop.name);
  const lab = await prepareLab({ layout, cluster, progress }, signal);
  const machines = [cluster.pid, laptop.pid];
  const product = plan.stages.some((name) => name.startsWith('ours'))
    ? await prepareProduct({ layout, laptop, cluster }, signal)
    : undefined;
  const deps = { layout, laptop, cluster, lab, product, connected: { namespace: undefined } };
  const samples: Sample[] = [];
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const rtt of plan.roundTrips) {
      // All at once, so that they are measured in turn; the product is connected one way at a time.
      await using open = new AsyncDisposableStack();
      const stages: Stage[] = [];
      for (const name of plan.stages) {
        // Nothing is far away between two pods.
        if (name === 'direct' && rtt !== 0) continue;
        const nodeOptions = asked['node-options'].split(' ').filter(Boolean);
        const options = { rtt, connections: plan.connections, nodeOptions, signal };
        const stage = await openStage(deps, name, options);
        stages.push(open.use(stage));
      }
      for (const metric of plan.metrics) {
        for (const stage of stages) {
          if (!applies(metric, stage.name, plan.stages)) continue;
          const sample = await sampleOf(stage, metric, { round, machines });
          progress(lineOf(sample));
          samples.push(sample);
        }
      }
    }
  }
  return samples;
}

function lineOf(sample: Sample): string {
  const { gbits, p50, p99, failed } = sample;
  const rate = gbits === undefined ? '' : `${gbits.toFixed(2)} Gbit/s`;
  const wait = p50 === undefined ? '' : `p50 ${p50.toFixed(2)} p99 ${p99?.toFixed(2)} ms`;
  const what = `${sample.stage} (${sample.rtt} ms) ${sample.metric}`;
  return `${sample.round}  ${what.padEnd(24)} ${rate}${wait}${failed ?? ''}`;
}

try {
  const samples = await runPlan();
  process.stdout.write(`\n${reportOf(samples)}\n`);
  if (asked.json !== undefined) {
    const machine = {
      cpus: cpus().length,
      model: cpus()[0]?.model,
      node: process.versions.node,
      when: new Date().toISOString(),
    };
    await writeFile(asked.json, `${JSON.stringify({ machine, asked, samples }, null, 1)}\n`);
  }
} catch (error) {
  process.stderr.write(`bench: ${describe(error)}\n`);
  process.exitCode = 1;
}
