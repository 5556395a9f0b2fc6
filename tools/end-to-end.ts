/**
 * Runs the end-to-end tests, `tools/end-to-end.ts [FILE…]`: most of their time is waiting for a
 * cluster, so two playgrounds work through the files side by side (E2E_LANES says otherwise). What
 * a file prints is shown when it has ended. Two lanes share the machine's processors, so a file that
 * failed runs once more with nothing beside it, and says so; failing again, it has failed. What one
 * that failed may have left behind is no other's trouble: a playground of ours is made anew then.
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';

const gibibyte = 2 ** 30;
const deadlineMs = process.env['E2E_LONG'] === '1' ? 7_200_000 : 900_000;
const base = process.env['PLAYGROUND_NAME'] || 'test';

/** Uninstalling comes last: everything before it starts from an installed manager. */
const isLast = (file: string): boolean => file.endsWith('/helm.test.ts');

function queueOf(asked: readonly string[]): string[] {
  const files = asked.length > 0 ? asked : globSync('e2e/*.test.ts');
  // A larger file takes longer, near enough; what is long must not begin when all else has ended.
  const bySize = files.toSorted((a, b) => statSync(b).size - statSync(a).size);
  return [...bySize.filter((file) => !isLast(file)), ...bySize.filter(isLast)];
}

function laneCount(): number {
  const wanted = Number(process.env['E2E_LANES'] || 0);
  if (Number.isInteger(wanted) && wanted > 0) return wanted;
  return availableParallelism() >= 2 && freemem() > 8 * gibibyte ? 2 : 1;
}

function playground(name: string, word: string): boolean {
  const env = { ...process.env, PLAYGROUND_NAME: name };
  const argv = ['tools/node', 'playground/main.ts', word];
  const stdio = word === 'status' ? 'ignore' : 'inherit';
  return spawnSync('sh', argv, { stdio, env }).status === 0;
}

/** Runs one file in the playground `name`; its output and whether it passed. */
async function runFile(file: string, name: string): Promise<{ passed: boolean; output: string }> {
  const options = ['--test-reporter=spec', '--test-concurrency=1', `--test-timeout=${deadlineMs}`];
  const child = spawn('sh', ['tools/node', '--test', ...options, file], {
    env: { ...process.env, PLAYGROUND_NAME: name },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => void (output += text));
  }
  const status = await new Promise((resolve) => {
    child.once('error', () => resolve(-1));
    child.once('close', resolve);
  });
  return { passed: status === 0, output };
}

const queue = queueOf(process.argv.slice(2));
const failedBeside: string[] = [];
const lanes = Array.from({ length: Math.min(laneCount(), queue.length) }, (_, index) =>
  index === 0 ? base : `${base}-${String(index + 1)}`,
);
const broughtUp = lanes.filter((name) => !playground(name, 'status'));
/** Somebody's own, which was up before, stays as the test has left it. */
const isOurs = (name: string): boolean =>
  broughtUp.includes(name) || process.env['E2E_OWN_PLAYGROUND'] === '1';

async function passes(file: string, name: string): Promise<boolean> {
  const start = performance.now();
  const { passed, output } = await runFile(file, name);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`\n== ${file} (playground ${name}, ${seconds} s)\n${output}`);
  // The next file brings it up.
  if (!passed && isOurs(name)) playground(name, 'down');
  return passed;
}

async function lane(name: string): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    if (!(await passes(file, name))) failedBeside.push(file);
  }
}

await Promise.all(lanes.map(lane));
const failed: string[] = [];
for (const file of failedBeside) {
  console.log(`\nonce more, with nothing beside it: ${file}`);
  if (!(await passes(file, base))) failed.push(file);
  else console.log(`${file} failed beside another file and passed alone`);
}
for (const name of broughtUp) playground(name, 'down');
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(' ')}`);
  process.exit(1);
}
