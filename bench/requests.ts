/**
 * Requests from a pod to an app, past an idle agent, and to a laptop in the app's place: how many,
 * how quick, and what an agent costs that has nothing to do. See docs/performance.md.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { run } from '../images/command.ts';
import { firstLaptop } from '../playground/addresses.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { benchAlone, progress, untilInterrupted } from './alone.ts';
import { finish } from './finish.ts';
import { prepareLab } from './lab.ts';
import { prepareProduct } from './product.ts';
import { openRequestLab, requestStages } from './request-stages.ts';
import type { RequestLab, RequestStage } from './request-stages.ts';
import { roundTrips } from './stages.ts';
import { median, quantile, spread } from './statistics.ts';
import { align } from './table.ts';
import { runWrk } from './wrk.ts';

const { values: asked } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    rate: { type: 'string', default: '1000' },
    rtt: { type: 'string', default: '0' },
    metrics: { type: 'string', default: 'one,kept 8,kept 64,new 8,new 64,steady' },
  },
});
const rounds = Number(asked.rounds ?? (asked.quick ? 1 : 3));
const seconds = Number(asked.seconds ?? (asked.quick ? 1 : 3));
const rtt = roundTrips.find((ms) => String(ms) === asked.rtt) ?? 0;

const signal = untilInterrupted();

interface Sample {
  readonly round: number;
  readonly stage: RequestStage;
  /** `one` at a time by new connections; `kept 8`, `new 64`: saturated; `steady`: at a fixed rate. */
  readonly metric: string;
  readonly perSecond?: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}
type Measured = Omit<Sample, 'round' | 'stage' | 'metric'>;

const times = v.array(v.nullable(v.number()));

async function waits(lab: RequestLab, words: readonly string[]): Promise<Measured> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(60_000)]);
  const { stdout } = await run([...lab.tool, 'node', ...words], { env: lab.env, signal: limit });
  const all = v.parse(times, JSON.parse(stdout));
  const good = all.filter((ms) => ms !== null);
  return { p50: median(good), p99: quantile(good, 0.99), errors: all.length - good.length };
}

async function measure(lab: RequestLab, stage: RequestStage, metric: string): Promise<Measured> {
  const { host, port } = await lab.open(stage);
  const place = [host, String(port)];
  if (metric === 'one') return await waits(lab, ['/programs/probe.mjs', 'http', ...place, '200']);
  if (metric === 'steady') {
    return await waits(lab, ['/programs/steady.mjs', ...place, asked.rate, String(seconds)]);
  }
  const [kind, connections] = metric.split(' ');
  const url = `http://${host}:${String(port)}/`;
  const fresh = kind === 'new';
  const how = { tool: lab.tool, env: lab.env, url, connections: Number(connections), fresh };
  return await runWrk({ ...how, seconds, signal });
}

async function measureAll(samples: Sample[]): Promise<void> {
  const { layout } = settingsFrom(process.env);
  await using _alone = await benchAlone(signal);
  const cluster = await requireMachine(layout, clusterMachine);
  const laptop = await requireMachine(layout, firstLaptop.name);
  await prepareLab({ layout, cluster, progress }, signal);
  const product = await prepareProduct({ layout, laptop, cluster }, signal);
  await using lab = await openRequestLab({ layout, laptop, cluster, product }, { rtt, signal });
  for (let round = 1; round <= rounds; round += 1) {
    for (const metric of asked.metrics.split(',')) {
      for (const stage of requestStages) {
        // What is saturated by a rate that it does not reach tells nothing.
        if (metric === 'steady' && stage.endsWith('intercepted')) continue;
        const measured = await measure(lab, stage, metric);
        samples.push({ round, stage, metric, ...measured });
        const { perSecond, p50, p99, errors } = measured;
        const rate = perSecond === undefined ? '' : `${perSecond.toFixed(0)}/s `;
        progress(
          `${String(round)}  ${metric.padEnd(8)} ${stage.padEnd(22)} ${rate}p50 ${p50.toFixed(2)} ` +
            `p99 ${p99.toFixed(2)} ms, errors ${String(errors)}, load ${String(loadavg()[0])}`,
        );
      }
    }
  }
}

/** Each round's value beside the same round's of `direct`. */
function ratios(
  samples: readonly Sample[],
  of: { readonly stage: RequestStage; readonly metric: string },
  value: (sample: Sample, direct: Sample) => number,
): string {
  const found = samples.flatMap((sample) => {
    if (sample.stage !== of.stage || sample.metric !== of.metric) return [];
    const direct = samples.find(
      ({ round, stage, metric }) =>
        stage === 'direct' && round === sample.round && metric === sample.metric,
    );
    return direct === undefined ? [] : [value(sample, direct)];
  });
  const all = spread(found);
  if (all === undefined) return '';
  return `${all.median.toFixed(2)} (${all.min.toFixed(2)}–${all.max.toFixed(2)})`;
}

function tableOf(samples: readonly Sample[]): string {
  const rows = asked.metrics.split(',').flatMap((metric) =>
    requestStages.flatMap((stage) => {
      const own = samples.filter((one) => one.stage === stage && one.metric === metric);
      if (own.length === 0) return [];
      const middle = (of: (sample: Sample) => number, digits: number): string =>
        median(own.map(of)).toFixed(digits);
      const isRate = own[0]?.perSecond !== undefined;
      const of = { stage, metric };
      return [
        [
          metric,
          stage,
          isRate ? middle((one) => one.perSecond ?? Number.NaN, 0) : '',
          isRate
            ? ratios(samples, of, (one, direct) => (one.perSecond ?? 0) / (direct.perSecond ?? 0))
            : '',
          middle((one) => one.p50, 2),
          middle((one) => one.p99, 2),
          ratios(samples, of, (one, direct) => one.p50 - direct.p50),
          ratios(samples, of, (one, direct) => one.p99 - direct.p99),
          String(own.reduce((sum, one) => sum + one.errors, 0)),
        ],
      ];
    }),
  );
  const head = ['', '', 'per s', 'of direct', 'p50 ms', 'p99 ms', '+ p50', '+ p99', 'errors'];
  return align([head, ...rows]);
}

const samples: Sample[] = [];
await finish({
  measure: async () => await measureAll(samples),
  table: () => tableOf(samples),
  json: asked.json,
  content: { asked, samples },
});
