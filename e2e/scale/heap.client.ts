// Asks a running Node process of this network, by its inspector: `heap.client.ts PID [SNAPSHOT]`.
// Collects its garbage and prints its memory and what keeps it alive; writes a heap snapshot where
// a file is given. The inspector stays open: closing it has ended a process by a segmentation fault
// (Node 26, InspectorIo). So of several processes in one network only the first can be asked, and
// others where they run with --inspect-port=0.
import { createWriteStream } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';

const [pid = '', snapshot] = process.argv.slice(2);
const targets = v.array(v.object({ webSocketDebuggerUrl: v.string() }));
const message = v.object({
  id: v.optional(v.number()),
  method: v.optional(v.string()),
  params: v.optional(v.object({ chunk: v.optional(v.string()) })),
  result: v.optional(v.unknown()),
});
const evaluated = v.object({ result: v.object({ value: v.optional(v.string()) }) });

/** The ports of 127.0.0.1 on which this very process listens. */
async function ownPorts(): Promise<readonly number[]> {
  const descriptors = `/proc/${pid}/fd`;
  const links = (await readdir(descriptors)).map(
    async (name) => await readlink(`${descriptors}/${name}`).catch(() => ''),
  );
  const sockets = new Set(await Promise.all(links));
  return (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/ +/);
    const isOurs = state === '0A' && sockets.has(`socket:[${inode}]`);
    return isOurs && local.startsWith('0100007F:') ? [Number.parseInt(local.slice(9), 16)] : [];
  });
}

/** What an inspector says of itself there; undefined where something else listens. */
async function askPort(port: number): Promise<string | undefined> {
  // No connection is kept.
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const at = `http://127.0.0.1:${String(port)}/json/list`;
  // Other listeners of ours take a connection and say nothing.
  const signal = AbortSignal.timeout(500);
  http.get(at, { agent: false, signal }, resolve).on('error', reject);
  try {
    const [target] = v.parse(targets, JSON.parse(await text(await promise)));
    return target?.webSocketDebuggerUrl;
  } catch {
    return undefined;
  }
}

async function openInspector(): Promise<string | undefined> {
  for (const port of await ownPorts()) {
    const url = await askPort(port);
    if (url !== undefined) return url;
  }
  return undefined;
}

async function inspectorUrl(): Promise<string> {
  for (let tries = 0; tries < 300; tries += 1) {
    const url = await openInspector();
    if (url !== undefined) return url;
    if (tries === 0) process.kill(Number(pid), 'SIGUSR1');
    await sleep(100);
  }
  throw new Error(`the inspector of ${pid} does not open`);
}

const socket = new WebSocket(await inspectorUrl());
const answers = new Map<number, (result: unknown) => void>();
const file = snapshot === undefined ? undefined : createWriteStream(snapshot);
let last = 0;
socket.addEventListener('message', ({ data }) => {
  const { id, method, params, result } = v.parse(message, JSON.parse(String(data)));
  if (method === 'HeapProfiler.addHeapSnapshotChunk') file?.write(params?.chunk ?? '');
  if (id !== undefined) answers.get(id)?.(result);
});
await new Promise((resolve) => {
  socket.addEventListener('open', resolve, { once: true });
});
async function call(method: string, params: object = {}): Promise<unknown> {
  last += 1;
  const id = last;
  const { promise, resolve } = Promise.withResolvers<unknown>();
  answers.set(id, resolve);
  socket.send(JSON.stringify({ id, method, params }));
  return await promise;
}

const look = `(() => {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const resources = {};
  for (const one of process.getActiveResourcesInfo()) resources[one] = (resources[one] ?? 0) + 1;
  return JSON.stringify({ rss, heapTotal, heapUsed, external, arrayBuffers, resources });
})()`;
// Twice: what the first frees may free more.
await call('HeapProfiler.collectGarbage');
await call('HeapProfiler.collectGarbage');
const { result } = v.parse(evaluated, await call('Runtime.evaluate', { expression: look }));
console.log(result.value);
if (file !== undefined) {
  await call('HeapProfiler.takeHeapSnapshot');
  await new Promise((resolve) => file.end(() => resolve(undefined)));
}
socket.close();
