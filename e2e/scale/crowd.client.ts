// Holds connections to an echo server, and opens and closes new ones meanwhile:
// `crowd.client.ts HOST PORT LETTERS HELD PER-SECOND SECONDS`. The first letter is who is meant to
// answer; one that answers by the second is counted: it is what an intercept gives to when the laptop
// is too slow, and takes back at the laptop's next answer: of these, the held ones may be reset.
// Prints a JSON line when all are open, with how long this program itself waited for a processor, and
// one when the new ones have been; ends with standard input.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, systemCode } from '#base/errors.ts';

const [host = '', port = '', letters = '', ...numbers] = process.argv.slice(2);
const [held = 0, perSecond = 0, seconds = 0] = numbers.map(Number);
const patienceMs = 20_000;
/** So many are being opened at one time. */
const opening = 50;
/** Each held one says something as often. */
const sayMs = 10_000;
const faults: string[] = [];
let bySecond = 0;
let takenBack = 0;

function fault(what: string, error: unknown): void {
  faults.push(`${what}: ${systemCode(error) ?? describe(error).split('\n')[0] ?? ''}`);
}

/** Sends some bytes and waits for them to come back; whether the second one answered. */
async function say(socket: net.Socket, text: string): Promise<boolean> {
  let got = '';
  const signal = AbortSignal.timeout(patienceMs);
  socket.write(text);
  while (got.length <= text.length) {
    const [bytes]: unknown[] = await once(socket, 'data', { signal });
    got += String(bytes);
  }
  const by = letters.indexOf(got.slice(0, 1));
  if (by < 0 || got.slice(1) !== text) throw new Error(`wrong answer ${got.slice(0, 20)}`);
  if (by === 1) bySecond += 1;
  return by === 1;
}

function dial(): net.Socket {
  const socket = net.connect({ host, port: Number(port), noDelay: true });
  socket.setEncoding('latin1');
  return socket;
}

/** One that lives for a question and its answer; how long they took. */
async function brief(index: number): Promise<number> {
  const began = performance.now();
  const socket = dial();
  try {
    await say(socket, `new ${String(index)}`);
    return performance.now() - began;
  } finally {
    socket.on('error', () => {});
    socket.destroy();
  }
}

const open = new Set<net.Socket>();
async function hold(index: number): Promise<void> {
  const socket = dial();
  try {
    const second = await say(socket, `held ${String(index)}`);
    open.add(socket);
    socket.on('error', (error) => {
      if (second) takenBack += 1;
      else fault('held', error);
    });
    socket.on('close', () => open.delete(socket));
  } catch (error) {
    fault('to be held', error);
  }
}

async function inTurns(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: opening }, worker));
}

async function askHeld(): Promise<void> {
  const all = [...open];
  await inTurns(all.length, async (index) => {
    const socket = all[index - 1];
    if (socket?.destroyed !== false) return;
    await say(socket, `still ${String(index)}`).catch((error: unknown) => fault('asked', error));
  });
}

/** How long this program could have run and was not let. */
function waitedMs(): number {
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
}

const waitedBefore = waitedMs();
const began = performance.now();
await inTurns(held, hold);
const openMs = performance.now() - began;
const starvedMs = waitedMs() - waitedBefore;
console.log(JSON.stringify({ phase: 'held', open: open.size, openMs, starvedMs }));

const times: number[] = [];
const underWay: Promise<void>[] = [];
let asking = Promise.resolve();
const startedAt = performance.now();
const timer = setInterval(() => {
  asking = asking.then(askHeld);
}, sayMs);
for (let index = 1; index <= perSecond * seconds; index += 1) {
  const dueAt = startedAt + (index * 1000) / perSecond;
  const rest = dueAt - performance.now();
  if (rest > 1) await sleep(rest);
  underWay.push(
    brief(index).then(
      (ms) => void times.push(ms),
      (error: unknown) => fault('new', error),
    ),
  );
}
await Promise.all(underWay);
clearInterval(timer);
await asking;
await askHeld();
times.sort((a, b) => a - b);
const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? 0;
console.log(
  JSON.stringify({
    phase: 'done',
    open: open.size,
    answered: times.length,
    bySecond,
    takenBack,
    tookMs: performance.now() - startedAt,
    p50: at(0.5),
    p99: at(0.99),
    faults: faults.slice(0, 20),
    faultCount: faults.length,
  }),
);
await once(process.stdin.resume(), 'end');
process.exit();
