// Mixed traffic at a steady rate, from the laptop or from a pod's network:
// `mixed.client.ts PER-SECOND WHAT=URL…`. Each WHAT takes its turn. Prints the counts of each second
// as one JSON line, and what failed to standard error; ends when standard input does.
import dgram from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, systemCode } from '#base/errors.ts';

const [perSecond = '1', ...asked] = process.argv.slice(2);
const patienceMs = 15_000;
/** A machine that has too much to do gets no more of it. */
const mostAtOnce = 20;
const kept = new http.Agent({ keepAlive: true, maxSockets: 1 });
const counts: Record<string, { done: number; failed: number }> = {};

async function get(url: URL, agent: http.Agent | false): Promise<void> {
  const request = http.get(url, { agent, signal: AbortSignal.timeout(patienceMs) });
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  request.once('response', resolve).once('error', reject);
  const response = await promise;
  await text(response);
  if (response.statusCode !== 200) throw new Error(`status ${String(response.statusCode)}`);
}

/** Resets the connection when the answer has begun. */
async function abort(url: URL): Promise<void> {
  const socket = net.connect(Number(url.port || 80), url.hostname);
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')));
  socket.write(`GET ${url.pathname} HTTP/1.1\r\nhost: ${url.hostname}\r\n\r\n`);
  await once(socket, 'data');
  socket.resetAndDestroy();
}

async function isRefused(url: URL): Promise<void> {
  const socket = net.connect(Number(url.port), url.hostname);
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')));
  const said = await once(socket, 'connect').then(() => 'accepted', systemCode);
  socket.destroy();
  if (said !== 'ECONNREFUSED') throw new Error(said ?? 'not refused');
}

async function lookUp(url: URL, wanted: 'found' | 'absent'): Promise<void> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  const found = await resolver.resolve4(url.hostname).catch((error: unknown) => {
    if (wanted === 'absent' && systemCode(error) === 'ENOTFOUND') return [];
    throw error;
  });
  if (found.length > 0 !== (wanted === 'found')) throw new Error(`found ${found.join()}`);
}

/** A DNS query by a socket of its own: a new flow of datagrams. */
async function askByUdp(url: URL): Promise<void> {
  const socket = dgram.createSocket('udp4');
  try {
    const labels = url.pathname.slice(1).split('.');
    const name = labels.map((label) => `${String.fromCharCode(label.length)}${label}`).join('');
    const header = '\x12\x34\x01\0\0\x01\0\0\0\0\0\0';
    socket.connect(Number(url.port), url.hostname);
    await once(socket, 'connect');
    socket.send(Buffer.from(`${header}${name}\0\0\x01\0\x01`, 'latin1'));
    await once(socket, 'message', { signal: AbortSignal.timeout(5000) });
  } finally {
    socket.close();
  }
}

const kinds: Readonly<Record<string, (url: URL) => Promise<void>>> = {
  new: (url) => get(url, false),
  kept: (url) => get(url, kept),
  aborted: abort,
  refused: isRefused,
  found: (url) => lookUp(url, 'found'),
  absent: (url) => lookUp(url, 'absent'),
  udp: askByUdp,
};

const turns = asked.map((word) => {
  const at = word.indexOf('=');
  const what = word.slice(0, at);
  const run = kinds[what.split('-')[0] ?? ''];
  if (run === undefined) throw new Error(`${what}: use ${Object.keys(kinds).join(', ')}`);
  const count = (counts[what] ??= { done: 0, failed: 0 });
  return { what, run, count, url: new URL(word.slice(at + 1)) };
});

let next = 0;
let underWay = 0;
async function take({ what, run, count, url }: (typeof turns)[number]): Promise<void> {
  underWay += 1;
  try {
    await run(url);
    count.done += 1;
  } catch (error) {
    count.failed += 1;
    const why = systemCode(error) ?? describe(error).replaceAll('\n', ' ');
    console.error(`${new Date().toISOString()} ${what} ${url.href}: ${why}`);
  }
  underWay -= 1;
}
// A timer that is late makes up for it.
const beganAt = performance.now();
setInterval(() => {
  const due = ((performance.now() - beganAt) / 1000) * Number(perSecond);
  for (; next < due && underWay < mostAtOnce; next += 1) {
    const turn = turns[next % turns.length];
    if (turn !== undefined) void take(turn);
  }
}, 10);
setInterval(() => console.log(JSON.stringify(counts)), 1000);
process.stdin.on('end', () => process.exit()).resume();
