// Asks a running Node process of this network, by its inspector: `heap.client.ts PID [SNAPSHOT]`.
// Collects its garbage and prints its memory and what keeps it alive; writes a heap snapshot where
// a file is given. The inspector stays open: closing it has ended a process by a segmentation fault
// (Node 26, InspectorIo). So of several processes in one network only the first can be asked.
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';

const [pid = '', snapshot] = process.argv.slice(2);
const at = 'http://127.0.0.1:9229/json/list';
const targets = v.array(v.object({ webSocketDebuggerUrl: v.string() }));
const message = v.object({
  id: v.optional(v.number()),
  method: v.optional(v.string()),
  params: v.optional(v.object({ chunk: v.optional(v.string()) })),
  result: v.optional(v.unknown()),
});
const evaluated = v.object({ result: v.object({ value: v.optional(v.string()) }) });

/** Whether it listens, in the words of the kernel: nothing is dialled. */
async function isOpen(): Promise<boolean> {
  return / 0100007F:240D 00000000:0000 0A /.test(await readFile(`/proc/${pid}/net/tcp`, 'utf8'));
}

async function inspectorUrl(): Promise<string> {
  if (!(await isOpen())) process.kill(Number(pid), 'SIGUSR1');
  for (let tries = 0; !(await isOpen()); tries += 1) {
    if (tries > 300) throw new Error(`the inspector of ${pid} does not open`);
    await sleep(100);
  }
  // No connection is kept.
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  http.get(at, { agent: false }, resolve).on('error', reject);
  const [target] = v.parse(targets, JSON.parse(await text(await promise)));
  if (target === undefined) throw new Error(`the inspector of ${pid} has no target`);
  return target.webSocketDebuggerUrl;
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
