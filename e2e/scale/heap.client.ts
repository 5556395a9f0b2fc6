// Asks a running Node process of this network, by its inspector: `heap.client.ts PID [SNAPSHOT]`.
// Collects its garbage and prints its memory and what keeps it alive; writes a heap snapshot where
// a file is given. The inspector is closed again, as two processes of one pod would share its port.
import { createWriteStream } from 'node:fs';
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

async function inspectorUrl(): Promise<string> {
  process.kill(Number(pid), 'SIGUSR1');
  for (let tries = 0; ; tries += 1) {
    try {
      const [target] = v.parse(targets, await (await fetch(at)).json());
      if (target !== undefined) return target.webSocketDebuggerUrl;
    } catch (error) {
      if (tries > 100) throw error;
    }
    await sleep(50);
  }
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
const close = "setTimeout(() => process.getBuiltinModule('node:inspector').close(), 50); 'closing'";
await call('Runtime.evaluate', { expression: close });
socket.close();
// The port has to be free for the next one that is asked.
for (let tries = 0; tries < 100; tries += 1) {
  await sleep(30);
  const open = await fetch(at).then(
    () => true,
    () => false,
  );
  if (!open) break;
}
