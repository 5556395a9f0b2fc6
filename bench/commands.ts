/** How long telepresence's own commands take: see docs/performance.md. */
import { parseArgs } from 'node:util';
import { firstLaptop } from '../playground/addresses.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { benchAlone, progress, untilInterrupted } from './alone.ts';
import { finish } from './finish.ts';
import { prepareLab } from './lab.ts';
import { prepareProduct } from './product.ts';
import { roundTrips } from './stages.ts';
import { median, spread } from './statistics.ts';
import { align } from './table.ts';
import { timeCommands, timedNames } from './timed-commands.ts';
import type { TimedName } from './timed-commands.ts';

/** Milliseconds, or a sum of what was measured beside it and more milliseconds. */
const goals: Readonly<Partial<Record<TimedName, (of: (name: TimedName) => number) => number>>> = {
  version: (of) => 2 * of('node -e 0'),
  'connect, daemons to be started': () => 1000,
  connect: () => 1000,
  intercept: () => 500,
  'intercept, agent to be injected': (of) => of('pod start') + 1000,
  leave: () => 300,
  quit: () => 500,
  'quit -s': () => 500,
};

const { values: asked } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    rounds: { type: 'string' },
    rtt: { type: 'string', default: '0' },
  },
});
const rounds = Number(asked.rounds ?? (asked.quick ? 2 : 8));
const rtt = roundTrips.find((ms) => String(ms) === asked.rtt) ?? 0;

const signal = untilInterrupted();

type Times = Readonly<Record<TimedName, number[]>>;

async function measureAll(times: Times): Promise<void> {
  const { layout } = settingsFrom(process.env);
  await using _alone = await benchAlone(signal);
  const cluster = await requireMachine(layout, clusterMachine);
  const laptop = await requireMachine(layout, firstLaptop.name);
  await prepareLab({ layout, cluster, progress }, signal);
  const product = await prepareProduct({ layout, laptop, cluster }, signal);
  for (let round = 1; round <= rounds; round += 1) {
    await timeCommands({ layout, laptop, cluster, product }, { rtt, signal }, (name, ms) => {
      progress(`${round}  ${name.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms`);
      times[name].push(ms);
    });
  }
}

function tableOf(times: Times): string {
  const rows = timedNames.flatMap((name) => {
    const taken = spread(times[name]);
    if (taken === undefined) return [];
    const goal = goals[name]?.((other) => median(times[other]));
    return [
      [
        name,
        `${taken.median.toFixed(0)} (${taken.min.toFixed(0)}–${taken.max.toFixed(0)})`,
        ...(goal === undefined ? [] : [`≤ ${goal.toFixed(0)}`, (goal / taken.median).toFixed(2)]),
      ],
    ];
  });
  return align([['ms', 'median (range)', 'goal', 'to goal'], ...rows]);
}

const times: Times = {
  'node -e 0': [],
  version: [],
  'connect, daemons to be started': [],
  quit: [],
  connect: [],
  'pod start': [],
  'intercept, agent to be injected': [],
  leave: [],
  intercept: [],
  'quit -s': [],
};
await finish({
  measure: async () => await measureAll(times),
  table: () => tableOf(times),
  json: asked.json,
  content: { asked, times },
});
