// Steady traffic of all kinds through the laptop, an intercept that comes and goes, a flow that is
// held: nothing may grow. E2E_SOAK_MINUTES=60 is the long form; it prints a table each minute.
// E2E_SOAK_RATE is how many requests a second it has, 20 unless said.
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { loadavg } from 'node:os';
import { eventually } from './eventually.ts';
import { pass } from './pass.ts';
import { growthPerHour, linesOf, lookAtParts, type Look } from './scale/soak-log.ts';
import { startSoakSite, type SoakSite } from './scale/soak-site.ts';

const minutes = Number(process.env['E2E_SOAK_MINUTES'] ?? 0);
const isLong = minutes > 0;
const perSecond = Number(process.env['E2E_SOAK_RATE'] ?? 20);
const resources = new AsyncDisposableStack();
let site: SoakSite;

before(async () => {
  site = resources.use(await startSoakSite({ long: isLong }));
});
after(async () => {
  await resources.disposeAsync();
});

/** Traffic until so many requests were answered, while the intercept comes and goes. */
async function answer(requests: number, perSecond: number): Promise<void> {
  await using traffic = await site.start(perSecond);
  const { laptop, pod } = traffic;
  const total = (): number => laptop.done + pod.done;
  const ms = 120_000;
  await eventually('half of the requests', ms, async () => assert.ok(total() >= requests / 2));
  await site.leave();
  await site.intercept();
  await eventually('all requests', ms, async () => assert.ok(total() >= requests));
  console.log(JSON.stringify({ ...laptop.counts, pod: pod.counts }));
}

/** A look when all that ends has ended. */
async function quietLook(most?: readonly Look[]): Promise<readonly Look[]> {
  let looks: readonly Look[] = [];
  if (most !== undefined) {
    await eventually('flows have ended', 15_000, async () => {
      looks = await lookAtParts(false);
      for (const [at, { part, files }] of looks.entries()) {
        const past: number = most[at]?.files ?? 0;
        assert.ok(files <= past + fewFiles, `${part}: ${String(files)} files, ${String(past)}`);
      }
    });
  }
  looks = await lookAtParts(true);
  console.log(`load ${String(loadavg()[0])}\n${linesOf(looks)}`);
  return looks;
}

/** A socket that is forgotten somewhere keeps some thousands of bytes. */
const mostBytes = 1500;
/** Kept connections of ours come and go. */
const fewFiles = 6;

async function soakShortly(): Promise<void> {
  const requests = 1000;
  await answer(requests / 2, 100);
  await pass(1000);
  const past = await quietLook();
  const elements = await site.elements();
  await answer(requests, 100);
  const looks = await quietLook(past);
  assert.deepEqual(
    looks.map(({ part }) => part),
    past.map(({ part }) => part),
  );
  for (const [at, { part, heapUsed = 0, external = 0 }] of looks.entries()) {
    const grown = heapUsed + external - (past[at]?.heapUsed ?? 0) - (past[at]?.external ?? 0);
    console.log(`${part}: ${String(Math.round(grown / requests))} bytes a request`);
    assert.ok(grown < mostBytes * requests, `${part} grew by ${String(grown)} bytes`);
  }
  assert.ok((await site.elements()) <= elements + 2, 'elements of the rules');
  await site.held.goesOn(Date.now(), 5000);
}

async function soakLong(): Promise<void> {
  await using traffic = await site.start(perSecond);
  const { laptop, pod } = traffic;
  const kept = process.env['E2E_SOAK_FILE'];
  const all: { readonly minute: number; readonly looks: readonly Look[] }[] = [];
  const began = Date.now();
  for (let minute = 0; minute <= minutes; minute += 1) {
    const rest = began + minute * 60_000 - Date.now();
    if (rest > 0) await pass(rest);
    const looks = await lookAtParts(minute % Math.ceil(minutes / 6) === 0);
    const elements = await site.elements();
    all.push({ minute, looks });
    console.log(
      `minute ${String(minute)}, load ${String(loadavg()[0])}, elements ${String(elements)}, ` +
        `answered ${String(laptop.done + pod.done)}, failed ${String(laptop.failed + pod.failed)}\n` +
        linesOf(looks),
    );
    if (kept !== undefined) {
      const counts = { laptop: laptop.counts, pod: pod.counts };
      const line = JSON.stringify({ minute, load: loadavg(), elements, counts, looks });
      await appendFile(kept, `${line}\n`);
    }
    await site.leave();
    await site.intercept();
  }
  await site.held.goesOn(Date.now(), 5000);
  const later = all.filter(({ minute }) => minute >= minutes / 4);
  const verdicts = (later.at(-1)?.looks ?? []).flatMap(({ part }, at) => {
    const grown = (what: 'anonymous' | 'files' | 'heapUsed'): number => {
      const known = later.flatMap(({ minute, looks }) => {
        const look = looks[at];
        const value = look?.[what];
        // What is garbage already is no growth.
        const told = value !== undefined && look?.heapUsed !== undefined;
        return told ? [{ minute, value }] : [];
      });
      return growthPerHour(
        known.map((one) => one.minute),
        known.map(({ value }) => value),
      );
    };
    const [anonymous, files, heap] = [grown('anonymous'), grown('files'), grown('heapUsed')];
    const growth = `anonymous ${(anonymous / 1e6).toFixed(2)} MB, heap ${(heap / 1e6).toFixed(2)} MB`;
    console.log(`${part} grows in an hour by: ${growth}, ${files.toFixed(1)} files`);
    // Compiled code alone grows by up to 1.1 MB in the first hour: docs/performance.md.
    return anonymous > 8e6 || heap > 2e6 || files > 30 ? [part] : [];
  });
  assert.deepEqual(verdicts, [], 'parts that grow');
}

if (isLong) test(`nothing grows in ${String(minutes)} minutes`, soakLong);
else test('nothing is left of thousands of requests', soakShortly);
