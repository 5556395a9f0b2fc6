/** A pod's volume on the laptop, beside `kubectl cp`: see docs/performance.md. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { firstLaptop } from '../playground/addresses.ts';
import { clusterEnvironment } from '../playground/environment.ts';
import { clusterMachine, requireMachine, runIn } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { benchAlone, progress, untilInterrupted } from './alone.ts';
import { finish } from './finish.ts';
import { prepareLab } from './lab.ts';
import { labNamespace, labWorkload } from './lab-manifests.ts';
import { prepareProduct, productEnvironment } from './product.ts';
import { roundTrips } from './stages.ts';
import { spread } from './statistics.ts';
import { align } from './table.ts';

const workload = 'files';
const smallFiles = 1000;
const largeMiB = 64;
const tasks = ['1,000 files of 1 KiB, read', '64 MiB, read', '64 MiB, written'] as const;
const ways = ['mount', 'kubectl cp'] as const;
type Seconds = Record<(typeof tasks)[number], Record<(typeof ways)[number], number[]>>;

/** By its label, in its last form: the one with the agent. */
const running = ['--selector', `app=${workload}`, '--field-selector', 'status.phase=Running'];
const itsName = ['-o', 'jsonpath={.items[-1:].metadata.name}'];

const { values: asked } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    rtt: { type: 'string', default: '0' },
  },
});
const rtt = roundTrips.find((ms) => String(ms) === asked.rtt) ?? 0;
const signal = untilInterrupted();

async function measureAll(seconds: Seconds): Promise<void> {
  const { layout } = settingsFrom(process.env);
  await using _alone = await benchAlone(signal);
  const cluster = await requireMachine(layout, clusterMachine);
  const laptop = await requireMachine(layout, firstLaptop.name);
  await prepareLab({ layout, cluster, progress }, signal);
  const product = await prepareProduct({ layout, laptop, cluster }, signal);
  const kubectl = async (words: readonly string[], input?: string): Promise<string> => {
    const { stdout } = await runIn(cluster, ['kubectl', '--namespace', labNamespace, ...words], {
      env: clusterEnvironment(layout, process.env),
      signal,
      ...(input === undefined ? {} : { input }),
    });
    return stdout;
  };
  const telepresence = (...words: readonly string[]): Promise<unknown> =>
    product.telepresence(words, { rtt, signal });
  const onLaptop = async (script: string, ...args: readonly string[]): Promise<void> => {
    const env = productEnvironment(layout, rtt);
    await runIn(laptop, ['sh', '-euc', script, 'sh', ...args], { env, signal });
  };
  const here = join(layout.state, 'bench-mounts');
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => {
    await telepresence('quit', '-s');
    await kubectl([
      'delete',
      `deployment/${workload}`,
      `service/${workload}`,
      '--ignore-not-found',
    ]);
    await rm(here, { recursive: true, force: true });
  });
  await kubectl(['apply', '--filename', '-'], JSON.stringify(manifest));
  await kubectl(['rollout', 'status', `deployment/${workload}`, '--timeout=60s']);
  await telepresence('connect', '--namespace', labNamespace);
  for (let round = 1; round <= Number(asked.rounds); round += 1) {
    await rm(here, { recursive: true, force: true });
    await mkdir(here, { recursive: true });
    const timed = async (
      task: (typeof tasks)[number],
      way: (typeof ways)[number],
      script: string,
      ...args: readonly string[]
    ): Promise<void> => {
      const start = performance.now();
      await onLaptop(script, ...args);
      const took = (performance.now() - start) / 1000;
      progress(`${round}  ${task.padEnd(28)} ${way.padEnd(12)} ${took.toFixed(2)} s`);
      seconds[task][way].push(took);
    };
    // Made anew, so that nothing is kept of the round before.
    await telepresence(
      'intercept',
      workload,
      '--port',
      '9000:8080',
      '--mount',
      join(here, 'mount'),
    );
    await kubectl(['exec', `deploy/${workload}`, '-c', 'app', '--', 'sh', '-euc', fill]);
    const name = await kubectl(['get', 'pods', ...running, ...itsName]);
    const remote = `${labNamespace}/${name}:/data`;
    const volume = join(here, 'mount/data');
    const copy = 'kubectl cp -c app "$1" "$2" >/dev/null';
    await timed(tasks[0], 'mount', 'tar -cf - -C "$1" small | cat >/dev/null', volume);
    await timed(tasks[0], 'kubectl cp', copy, `${remote}/small`, join(here, 'small'));
    await timed(tasks[1], 'mount', 'dd if="$1/large" of=/dev/null bs=1M 2>/dev/null', volume);
    await timed(tasks[1], 'kubectl cp', copy, `${remote}/large`, join(here, 'large'));
    await timed(
      tasks[2],
      'mount',
      'dd if="$1" of="$2/back" bs=1M conv=fsync 2>/dev/null',
      join(here, 'large'),
      volume,
    );
    await timed(tasks[2], 'kubectl cp', copy, join(here, 'large'), `${remote}/copied`);
    await telepresence('leave', workload);
  }
}

const fill = `
  mkdir -p /data/small
  i=0; while [ $i -lt ${smallFiles} ]; do head -c 1024 /dev/urandom >/data/small/$i; i=$((i+1)); done
  head -c ${largeMiB * 1024 * 1024} /dev/urandom >/data/large`;

const manifest = labWorkload({
  name: workload,
  container: {
    image: 'playground/busybox:1',
    command: ['httpd', '-f', '-p', '8080', '-h', '/tmp'],
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  },
  volumes: [{ name: 'data', emptyDir: {} }],
});

function tableOf(seconds: Seconds): string {
  const cell = (values: readonly number[]): string => {
    const taken = spread(values);
    if (taken === undefined) return '';
    return `${taken.median.toFixed(2)} (${taken.min.toFixed(2)}–${taken.max.toFixed(2)})`;
  };
  const rows = tasks.map((task) => {
    const { mount, 'kubectl cp': copied } = seconds[task];
    return [task, cell(mount), cell(copied)];
  });
  return align([['seconds', ...ways], ...rows]);
}

const none = (): Record<(typeof ways)[number], number[]> => ({ mount: [], 'kubectl cp': [] });
const seconds: Seconds = {
  '1,000 files of 1 KiB, read': none(),
  '64 MiB, read': none(),
  '64 MiB, written': none(),
};
await finish({
  measure: async () => await measureAll(seconds),
  table: () => tableOf(seconds),
  json: asked.json,
  content: { asked, seconds },
});
