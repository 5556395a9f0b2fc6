/** A daemon in a container beside one on the laptop itself: bulk and requests to the cluster. See docs/performance.md. */
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { version } from '#base/version.ts';
import { makeImageParts } from '../e2e/docker/laptop-docker.ts';
import { prepare } from '../e2e/prepare.ts';
import { onLaptop, telepresence } from '../e2e/run.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { benchAlone, progress, untilInterrupted } from './alone.ts';
import { finish } from './finish.ts';
import { prepareLab } from './lab.ts';
import { targetPorts } from './ports.ts';
import { median, spread } from './statistics.ts';
import { align } from './table.ts';

const { values: asked } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
  },
});
const places = ['laptop', 'container'] as const;
type Place = (typeof places)[number];

const shape = v.object({ down: v.number(), up: v.number(), kept: v.number(), fresh: v.number() });
type Measured = v.InferOutput<typeof shape>;
const metrics: Readonly<Record<keyof Measured, string>> = {
  down: 'bulk from the cluster, Gbit/s',
  up: 'bulk to the cluster, Gbit/s',
  kept: 'requests/s on 8 kept connections',
  fresh: 'requests/s, 8 at a time, each on a new connection',
};

const image = `telepresence/telepresence:${version}`;
const name = 'bench-docker';
const signal = untilInterrupted();
const samples: { readonly round: number; readonly place: Place; readonly measured: Measured }[] =
  [];

/** The same program is the client in both places: Node's own sockets, and nothing of ours. */
const client = `
const net = require('node:net'), http = require('node:http');
const [host, seconds] = process.argv.slice(1);
const { flood: floodPort, http: httpPort } = ${JSON.stringify(targetPorts)};
const gbits = (bytes, ms) => (bytes * 8) / ms / 1e6;
const opened = () => new Promise((done, fail) => {
  const socket = net.connect(floodPort, host, () => done(socket)).on('error', fail);
});
async function down() {
  const socket = await opened();
  let bytes = 0;
  socket.on('data', (chunk) => { bytes += chunk.length; });
  socket.write('d');
  const from = performance.now();
  await new Promise((done) => setTimeout(done, seconds * 1000));
  const ms = performance.now() - from;
  const counted = bytes;
  socket.write('.');
  await new Promise((done) => socket.on('data', (chunk) => chunk.at(-1) === 46 && done()));
  socket.destroy();
  return gbits(counted, ms);
}
async function up() {
  const socket = await opened();
  const parcel = Buffer.alloc(128 * 1024, ' ');
  socket.write('u');
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    if (!socket.write(parcel)) await new Promise((done) => socket.once('drain', done));
  }
  const answer = new Promise((done) => socket.once('data', done));
  socket.write('.');
  const { bytes, ms } = JSON.parse(String(await answer));
  socket.destroy();
  return gbits(bytes, ms);
}
async function requests(keepAlive) {
  const agent = new http.Agent({ keepAlive, maxSockets: 8 });
  const one = () => new Promise((done, fail) => http.get({ host, port: httpPort, agent }, (got) => got.resume().on('end', done)).on('error', fail));
  const from = performance.now(), until = from + seconds * 1000;
  let count = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (performance.now() < until) { await one(); count += 1; }
  }));
  agent.destroy();
  return (count * 1000) / (performance.now() - from);
}
(async () => {
  console.log(JSON.stringify({ down: await down(), up: await up(), kept: await requests(true), fresh: await requests(false) }));
})();`;

async function measureAt(place: Place, target: string): Promise<Measured> {
  const inDocker = place === 'container' ? ['--docker'] : [];
  await telepresence(['connect', '--name', name, '--namespace', 'bench', ...inDocker], {
    deadlineMs: 180_000,
  });
  try {
    const words =
      place === 'container'
        ? ['docker', 'run', '--rm', `--network=container:tp-${name}`, '--entrypoint=node', image]
        : [process.execPath];
    const { stdout } = await onLaptop([...words, '-e', client, '--', target, asked.seconds]);
    return v.parse(v.pipe(v.string(), v.parseJson(), shape), stdout);
  } finally {
    await telepresence(['quit', '-s'], { mayFail: true });
  }
}

async function measureAll(): Promise<void> {
  const { layout } = settingsFrom(process.env);
  await using _alone = await benchAlone(signal);
  await prepare();
  await makeImageParts();
  const cluster = await requireMachine(layout, clusterMachine);
  const { targetIp } = await prepareLab({ layout, cluster, progress }, signal);
  for (let round = 1; round <= Number(asked.rounds); round += 1) {
    // Whoever is first has the colder machine.
    for (const place of round % 2 === 1 ? places : places.toReversed()) {
      const measured = await measureAt(place, targetIp);
      samples.push({ round, place, measured });
      progress(`${String(round)} ${place}: ${JSON.stringify(measured)}`);
    }
  }
}

function table(): string {
  const rows = v.parse(v.array(v.picklist(['down', 'up', 'kept', 'fresh'])), Object.keys(metrics));
  return align([
    ['', ...places, 'container / laptop, of each round'],
    ...rows.map((metric) => {
      const of = (place: Place): readonly number[] =>
        samples.filter((each) => each.place === place).map(({ measured }) => measured[metric]);
      const [there, here] = [of('container'), of('laptop')];
      const ratios = spread(there.map((value, index) => value / (here[index] ?? Number.NaN)));
      const percent = (ratio: number | undefined): string => `${((ratio ?? 0) * 100).toFixed(0)} %`;
      const digits = metric === 'down' || metric === 'up' ? 2 : 0;
      return [
        metrics[metric],
        median(here).toFixed(digits),
        median(there).toFixed(digits),
        `${percent(ratios?.median)} (${percent(ratios?.min)} to ${percent(ratios?.max)})`,
      ];
    }),
  ]);
}

await finish({ measure: measureAll, table, json: asked.json, content: samples });
