/**
 * What a request to a taken port costs each program on its way, without a cluster:
 * `tools/node bench/way-in.ts [--against CHECKOUT]`.
 *
 * wrk asks agent → relay → laptop → handler, on loopback, over the sessions that the product has.
 * `bare` is the same chain of processes that only copy: what Node itself costs. Processor time for
 * each request compares even on a machine that is busy.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { progress, untilInterrupted } from './alone.ts';
import { median, quantile } from './statistics.ts';
import { align } from './table.ts';
import { runWrk } from './wrk.ts';

const { values: asked } = parseArgs({
  options: {
    against: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    metrics: { type: 'string', default: 'kept 8,new 8,kept 1,new 1' },
    stages: { type: 'string', default: 'direct,bare,idle,intercepted' },
    /** MiB of each program's young generation. */
    young: { type: 'string', default: '1' },
    /** A folder for a processor profile of each part. */
    profile: { type: 'string' },
  },
});
const here = join(import.meta.dirname, '..');
const signal = untilInterrupted();

const told = v.union([
  v.object({ port: v.number() }),
  v.object({ cpu: v.object({ user: v.number(), system: v.number() }) }),
]);

interface Part {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
}

/** One way that is asked, and the processes on it. */
interface Stage {
  readonly name: string;
  readonly port: number;
  readonly parts: readonly Part[];
}

const started: Part[] = [];

async function answer(child: ChildProcess): Promise<v.InferOutput<typeof told>> {
  const [message]: unknown[] = await once(child, 'message', { signal });
  return v.parse(told, message);
}

async function start(checkout: string, name: string, ...ports: readonly number[]): Promise<Part> {
  const path = join(checkout, 'bench/way-in/parts.ts');
  const profile =
    asked.profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${asked.profile}/${name.replaceAll(/\W+/g, '-')}`];
  const child = fork(path, [name, ...ports.map(String)], {
    execArgv: [
      `--max-semi-space-size=${asked.young}`,
      '--disable-warning=ExperimentalWarning',
      ...profile,
    ],
  });
  const message = await answer(child);
  const part = { name, port: 'port' in message ? message.port : 0, process: child };
  started.push(part);
  return part;
}

/** Processor microseconds so far. */
async function cpuOf({ process: child }: Part): Promise<number> {
  child.send('cpu');
  const message = await answer(child);
  return 'cpu' in message ? message.cpu.user + message.cpu.system : 0;
}

async function wayIn(checkout: string, name: string, prefix: string): Promise<Stage> {
  const handler = await start(checkout, 'handler');
  const relay = await start(checkout, `${prefix}relay`);
  const laptop = await start(checkout, `${prefix}laptop`, relay.port, handler.port);
  const agent = await start(checkout, `${prefix}agent`, relay.port, handler.port);
  return { name, port: agent.port, parts: [agent, relay, laptop, handler] };
}

async function past(checkout: string, name: string, by: string): Promise<Stage> {
  const handler = await start(checkout, 'handler');
  const agent = await start(checkout, by, handler.port);
  return { name, port: agent.port, parts: [agent, handler] };
}

async function stages(): Promise<readonly Stage[]> {
  const all: Stage[] = [];
  const checkouts = [
    ['', here],
    ...(asked.against === undefined ? [] : [[' before', asked.against]]),
  ];
  const wanted = asked.stages.split(',');
  const bare = wanted.includes('bare');
  if (wanted.includes('direct')) {
    const handler = await start(here, 'handler');
    all.push({ name: 'direct', port: handler.port, parts: [handler] });
  }
  if (wanted.includes('idle')) {
    if (bare) all.push(await past(here, 'idle, bare', 'bare copy'));
    for (const [suffix = '', checkout = ''] of checkouts) {
      all.push(await past(checkout, `idle${suffix}`, 'agent, idle'));
    }
  }
  if (wanted.includes('intercepted')) {
    if (bare) all.push(await wayIn(here, 'intercepted, bare', 'bare '));
    for (const [suffix = '', checkout = ''] of checkouts) {
      all.push(await wayIn(checkout, `intercepted${suffix}`, ''));
    }
  }
  return all;
}

interface Sample {
  readonly metric: string;
  readonly stage: Stage;
  readonly perSecond: number;
  readonly p50: number;
  readonly errors: number;
  /** Microseconds a request, by part. */
  readonly cpu: readonly number[];
}

async function measure(stage: Stage, metric: string): Promise<Sample> {
  const [kind, connections] = metric.split(' ');
  const seconds = Number(asked.seconds);
  const before = await Promise.all(stage.parts.map(cpuOf));
  const { perSecond, p50, errors } = await runWrk({
    tool: [],
    env: process.env,
    url: `http://127.0.0.1:${String(stage.port)}/`,
    connections: Number(connections),
    fresh: kind === 'new',
    seconds,
    signal,
  });
  const after = await Promise.all(stage.parts.map(cpuOf));
  const cpu = after.map((used, index) => (used - (before[index] ?? 0)) / (perSecond * seconds));
  return { metric, stage, perSecond, p50, errors, cpu };
}

const sumOf = ({ cpu }: Sample): number => cpu.reduce((sum, each) => sum + each, 0);

function tableOf(samples: readonly Sample[]): string {
  const rows = asked.metrics.split(',').flatMap((metric) =>
    [...new Set(samples.map((one) => one.stage))].map((stage) => {
      const own = samples.filter((one) => one.metric === metric && one.stage === stage);
      const middle = (of: (sample: Sample) => number): number => median(own.map(of));
      const byPart = stage.parts.map(
        ({ name }, index) => `${name} ${middle((one) => one.cpu[index] ?? 0).toFixed(0)}`,
      );
      return [
        metric,
        stage.name,
        middle((one) => one.perSecond).toFixed(0),
        middle((one) => one.p50).toFixed(2),
        middle(sumOf).toFixed(0),
        quantile(own.map(sumOf), 0.25).toFixed(0),
        byPart.join(', '),
        String(own.reduce((sum, one) => sum + one.errors, 0)),
      ];
    }),
  );
  return align([['', '', 'per s', 'p50 ms', 'µs CPU', 'quarter', 'of these', 'errors'], ...rows]);
}

const samples: Sample[] = [];
try {
  const all = await stages();
  // What the compiler has not seen yet is not measured.
  for (const stage of all) for (const metric of ['kept 8', 'new 8']) await measure(stage, metric);
  for (let round = 1; round <= Number(asked.rounds); round += 1) {
    for (const metric of asked.metrics.split(',')) {
      for (const stage of all) {
        const sample = await measure(stage, metric);
        samples.push(sample);
        progress(`${String(round)}  ${metric}  ${stage.name}  ${sample.perSecond.toFixed(0)}/s`);
      }
    }
  }
} finally {
  for (const { process: child } of started) child.disconnect();
}
process.stdout.write(`${tableOf(samples)}\n`);
