/** How long small things wait beside bulk on a narrow link: see docs/performance.md. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '#base/clock.ts';
import { firstLaptop } from '../playground/addresses.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { benchAlone, progress, untilInterrupted } from './alone.ts';
import { startBulk } from './bulk.ts';
import { BenchError } from './error.ts';
import { prepareLab } from './lab.ts';
import { measure } from './metrics.ts';
import { narrowLink } from './narrow-link.ts';
import { prepareProduct } from './product.ts';
import { openStage } from './stages.ts';
import type { Stage } from './stages.ts';
import { median } from './statistics.ts';
import { align } from './table.ts';

/** What else goes over the link meanwhile. */
const crowds = {
  nothing: [],
  'a bulk upload': ['up'],
  'a bulk download': ['down'],
  both: ['up', 'down'],
} as const;
type Crowd = keyof typeof crowds;
const names: readonly Crowd[] = ['nothing', 'a bulk upload', 'a bulk download', 'both'];

const { values: asked } = parseArgs({
  options: {
    json: { type: 'string' },
    stages: { type: 'string', default: 'raw,ours' },
    rounds: { type: 'string', default: '3' },
    tries: { type: 'string', default: '60' },
    mbits: { type: 'string', default: '50' },
  },
});
/** The first second is that of windows and estimates. */
const warmMs = 2000;
const bulkSeconds = 12;

const signal = untilInterrupted();

interface Sample {
  readonly stage: string;
  readonly crowd: Crowd;
  readonly metric: 'http' | 'echo';
  readonly p50: number;
  readonly p99: number;
}

async function measureBeside(stage: Stage, crowd: Crowd, samples: Sample[]): Promise<void> {
  await stage.activate();
  for (const metric of ['echo', 'http'] as const) {
    await using stack = new AsyncDisposableStack();
    for (const direction of crowds[crowd]) {
      stack.use(startBulk(stage, { direction, seconds: bulkSeconds, signal, progress }));
    }
    if (crowds[crowd].length > 0) await systemClock.sleep(warmMs, signal);
    const options = { seconds: 1, tries: Number(asked.tries), machines: [], signal };
    const measured = await measure(stage, { kind: metric }, options);
    if (measured.kind !== 'wait') throw new BenchError('BadOutput', `${metric}: no waiting`);
    const { p50, p99 } = measured;
    samples.push({ stage: stage.name, crowd, metric, p50, p99 });
    progress(`${stage.name} ${metric} beside ${crowd}: ${p50.toFixed(1)} / ${p99.toFixed(1)} ms`);
  }
}

async function measureAll(): Promise<readonly Sample[]> {
  const { layout } = settingsFrom(process.env);
  await using _alone = await benchAlone(signal);
  const cluster = await requireMachine(layout, clusterMachine);
  const laptop = await requireMachine(layout, firstLaptop.name);
  const lab = await prepareLab({ layout, cluster, progress }, signal);
  const product = await prepareProduct({ layout, laptop, cluster }, signal);
  const deps = { layout, laptop, cluster, lab, product, connected: { namespace: undefined } };
  const samples: Sample[] = [];
  await using _link = await narrowLink({ laptop, cluster }, { mbits: Number(asked.mbits), signal });
  for (let round = 1; round <= Number(asked.rounds); round += 1) {
    for (const name of asked.stages.split(',')) {
      if (name !== 'raw' && name !== 'ours' && name !== 'kubectl') {
        throw new BenchError('BadUsage', `${name}: use raw, kubectl, ours`);
      }
      const options = { rtt: 20, connections: 4, nodeOptions: [], signal } as const;
      await using stage = await openStage(deps, name, options);
      for (const crowd of names) await measureBeside(stage, crowd, samples);
    }
  }
  return samples;
}

function tableOf(samples: readonly Sample[]): string {
  const row = (stage: string, metric: Sample['metric']): string[] => {
    const cells = names.map((crowd) => {
      const of = samples.filter(
        (each) => each.stage === stage && each.metric === metric && each.crowd === crowd,
      );
      const p50 = median(of.map((each) => each.p50));
      const p99 = median(of.map((each) => each.p99));
      return `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
    });
    return [`${stage} ${metric}`, ...cells];
  };
  const rows = asked.stages.split(',').flatMap((stage) => [row(stage, 'echo'), row(stage, 'http')]);
  return align([['ms, p50 / p99', ...names], ...rows]);
}

const samples = await measureAll();
if (asked.json !== undefined) await writeFile(asked.json, JSON.stringify(samples));
console.log(tableOf(samples));
