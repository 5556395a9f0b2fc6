/** How long names take on a connected laptop, alone and beside bulk: see docs/performance.md. */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { run } from '../images/command.ts';
import { addresses, firstLaptop } from '../playground/addresses.ts';
import { clusterMachine, enter, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { benchAlone, progress, untilInterrupted } from './alone.ts';
import { startBulk } from './bulk.ts';
import { prepareLab } from './lab.ts';
import { labNamespace } from './lab-manifests.ts';
import { prepareProduct, productEnvironment } from './product.ts';
import { openStage } from './stages.ts';
import { median, quantile } from './statistics.ts';
import { align } from './table.ts';

const { values: asked } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    tries: { type: 'string', default: '1000' },
  },
});
/** What is asked; who is not connected knows the outside alone. */
const names = {
  'a Service': `target.${labNamespace}.svc.cluster.local`,
  // Only the cluster's own DNS knows these: asked there, each time another.
  'a name asked in the cluster': `10-244-0-#.${labNamespace}.pod.cluster.local`,
  'the world outside': 'outside.example.com',
} as const;
const crowds = { alone: [], 'beside an upload': ['up'], 'beside a download': ['down'] } as const;
const bulkSeconds = 60;
const warmMs = 1000;

const signal = untilInterrupted();

interface Sample {
  readonly what: string;
  readonly crowd: string;
  readonly p50: number;
  readonly p99: number;
  readonly unanswered: number;
}

async function measureAll(): Promise<readonly Sample[]> {
  const { layout } = settingsFrom(process.env);
  await using _alone = await benchAlone(signal);
  const cluster = await requireMachine(layout, clusterMachine);
  const laptop = await requireMachine(layout, firstLaptop.name);
  const lab = await prepareLab({ layout, cluster, progress }, signal);
  const product = await prepareProduct({ layout, laptop, cluster }, signal);
  const env = productEnvironment(layout, 0);
  const samples: Sample[] = [];
  const ask = async (what: string, name: string, crowd: string): Promise<void> => {
    const program = join(import.meta.dirname, 'name-probe.ts');
    const words = [process.execPath, program, addresses.gateway, asked.tries, name];
    const limit = AbortSignal.any([signal, AbortSignal.timeout(120_000)]);
    const { stdout } = await run([...enter(laptop, '/'), ...words], { env, signal: limit });
    const all = v.parse(v.array(v.nullable(v.number())), JSON.parse(stdout));
    const good = all.filter((ms) => ms !== null);
    const [p50, p99] = [median(good), quantile(good, 0.99)];
    samples.push({ what, crowd, p50, p99, unanswered: all.length - good.length });
    const load = String(loadavg()[0]);
    progress(`${what}, ${crowd}: ${p50.toFixed(2)} / ${p99.toFixed(2)} ms, load ${load}`);
  };
  const deps = { layout, laptop, cluster, lab, product, connected: { namespace: undefined } };
  for (let round = 1; round <= Number(asked.rounds); round += 1) {
    await product.telepresence(['quit', '-s'], { rtt: 0, signal });
    await ask('the world outside', names['the world outside'], 'not connected');
    const options = { rtt: 0, connections: 4, nodeOptions: [], signal } as const;
    await using stage = await openStage(deps, 'ours', options);
    await stage.activate();
    for (const [crowd, directions] of Object.entries(crowds)) {
      await using stack = new AsyncDisposableStack();
      for (const direction of directions) {
        stack.use(startBulk(stage, { direction, seconds: bulkSeconds, signal, progress }));
      }
      if (directions.length > 0) await new Promise((resolve) => setTimeout(resolve, warmMs));
      for (const [what, name] of Object.entries(names)) await ask(what, name, crowd);
    }
  }
  return samples;
}

function tableOf(samples: readonly Sample[]): string {
  const columns = ['not connected', ...Object.keys(crowds)];
  const cell = (what: string, crowd: string): string => {
    const own = samples.filter((one) => one.what === what && one.crowd === crowd);
    if (own.length === 0) return '';
    const p50 = median(own.map((one) => one.p50));
    const p99 = median(own.map((one) => one.p99));
    const lost = own.reduce((sum, one) => sum + one.unanswered, 0);
    return `${p50.toFixed(2)} / ${p99.toFixed(2)}${lost === 0 ? '' : ` (${String(lost)} lost)`}`;
  };
  const rows = Object.keys(names).map((what) =>
    [what].concat(columns.map((crowd) => cell(what, crowd))),
  );
  return align([['ms, p50 / p99', ...columns], ...rows]);
}

const samples = await measureAll();
if (asked.json !== undefined) await writeFile(asked.json, JSON.stringify(samples));
console.log(tableOf(samples));
