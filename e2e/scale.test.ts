// Many connections held in both directions while others come and go, and many Services: nothing is
// lost, and what each part of us uses before, meanwhile and after is printed. With E2E_LONG=1 as the
// goals say: 100 new ones a second for a minute, 50 agents. E2E_HELD is how many are held.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadavg } from 'node:os';
import * as v from 'valibot';
import { eventually } from './eventually.ts';
import { createNamespace } from './namespace.ts';
import { idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import {
  startCrowd,
  startEchoServer,
  type Crowd,
  type DoneReport,
  type HeldReport,
} from './scale/crowd.ts';
import { listOf, numbered, quietApp, service } from './scale/many.ts';
import { patiently } from './scale/patience.ts';
import { linesOf, lookAtParts, type Look } from './scale/soak-log.ts';

const namespace = 'scale-e2e';
const long = process.env['E2E_LONG'] === '1';
const held = Number(process.env['E2E_HELD'] ?? (long ? 1000 : 500));
const size = { held, perSecond: long ? 100 : 20, seconds: long ? 60 : 5 };
const agentCount = long ? 50 : 1;
const serviceCount = 200;
const near = numbered('near', agentCount);
const many = numbered('many', serviceCount);
/** Kept connections of ours come and go. */
const fewFiles = 10;
const resources = new AsyncDisposableStack();
let farIp = '';
let nearIp = '';

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  await apply(listOf(near.flatMap((name) => quietApp(namespace, name))));
  await apply(idlePod(namespace, 'far'));
  await apply(listOf(many.map((name) => service(namespace, name, { app: 'far' }))));
  await rollOut(namespace);
  farIp = await readyPod(namespace, 'far');
  await kubectl('label', '-n', namespace, 'pod/far', 'app=far');
  const words = ['get', 'pods', '-n', namespace, '-l', 'app=near-000', '-o'];
  nearIp = await kubectl(...words, 'jsonpath={.items[0].status.podIP}');
  resources.use(await startEchoServer({ podIp: farIp }, { name: 'far', port: 9000 }));
  resources.use(await startEchoServer({ podIp: nearIp }, { name: 'app', port: 9000 }));
  const laptop = resources.use(await startEchoServer('laptop', { name: 'laptop' }));
  await patiently(['connect', '--namespace', namespace]);
  resources.defer(async () => void (await telepresence(['quit', '-s'], { mayFail: true })));
  const port = `${String(laptop.port)}:9000`;
  await patiently(['intercept', 'near-000', '--port', port], { deadlineMs: 90_000 });
});
after(async () => {
  await resources.disposeAsync();
});

async function look(when: string): Promise<readonly Look[]> {
  const looks = await lookAtParts(false);
  console.log(`${when}, load ${String(loadavg()[0])}\n${linesOf(looks)}`);
  return looks;
}

test(`${String(held)} connections are held each way, and others come and go`, async () => {
  const past = await look('before');
  {
    const outward = { host: farIp, port: 9000, letters: 'f' };
    const inward = { host: nearIp, port: 9000, letters: 'la' };
    await using outwards: Crowd = await startCrowd('laptop', outward, size);
    // One after another: two storms at once leave a small machine no processor to answer with.
    const both = [await outwards.held];
    await using inwards: Crowd = await startCrowd({ podIp: farIp }, inward, size);
    both.push(await inwards.held);
    for (const { open, openMs, starvedMs } of both) {
      const [seconds, waited] = [openMs, starvedMs].map((ms) => (ms / 1000).toFixed(1));
      console.log(`${String(open)} opened in ${seconds} s, ${waited} of them without a processor`);
    }
    await look('all are held');
    const reports = await Promise.all([outwards.done, inwards.done]);
    await look('the others have come and gone');
    for (const [at, report] of reports.entries()) isWhole(report, both[at]);
  }
  await eventually('files are closed', 20_000, async () => {
    for (const [at, { part, files }] of (await lookAtParts(false)).entries()) {
      const few: number = (past[at]?.files ?? 0) + fewFiles;
      assert.ok(files <= few, `${part}: ${String(files)} files, ${String(few)} at most`);
    }
  });
  await look('after');
});

function isWhole(report: DoneReport, opened: HeldReport | undefined): void {
  const { p50, p99, answered, tookMs } = report;
  const times = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
  console.log(
    `${String(answered)} new ones in ${(tookMs / 1000).toFixed(1)} s, ${times}, ` +
      `answered by the app: ${String(report.bySecond)}`,
  );
  assert.deepEqual(report.faults, []);
  assert.equal(report.open + report.takenBack, held);
  assert.equal(answered, size.perSecond * size.seconds);
  // Without a processor the laptop answers too late, and the app is right to.
  const starved = opened === undefined || opened.starvedMs > opened.openMs / 4;
  const most = starved ? held : held / 10;
  assert.ok(report.bySecond <= most, `answered by the app: ${String(report.bySecond)}`);
}

test(`${String(serviceCount)} Services: each has its name, and lists are quick`, async () => {
  const program = new URL('scale/names.client.ts', import.meta.url).pathname;
  const names = many.map((name) => `${name}.${namespace}`);
  const { stdout } = await onLaptop(['sh', 'tools/node', program, ...names]);
  const times = v.parse(v.array(v.number()), JSON.parse(stdout)).toSorted((a, b) => a - b);
  assert.equal(times.length, serviceCount);
  const at = (share: number): string =>
    (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1);
  console.log(`a name takes ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  const began = performance.now();
  const list = await telepresence(['list']);
  console.log(`telepresence list takes ${(performance.now() - began).toFixed(0)} ms`);
  for (const name of near) assert.match(list.stdout, new RegExp(`^${name} *:`, 'm'));
});
