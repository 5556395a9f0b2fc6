import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { restartComponent } from '../playground/component.ts';
import { clusterMachine, requireMachine } from '../playground/machine.ts';
import { settingsFrom } from '../playground/settings.ts';
import { eventually } from './eventually.ts';
import { kubectl } from './run.ts';

/** What the container takes; half of it is what the node's other use may change meanwhile. */
const takenMiB = 1900;
const nodeSummary = v.object({
  node: v.object({ memory: v.object({ availableBytes: v.number() }) }),
});

/**
 * Until the returned value is disposed, the kubelet finds its node short of memory once somebody takes
 * a little more than there is use for now: `takeMemory` does.
 */
export async function nearlyShortOfMemory(): Promise<AsyncDisposable> {
  const { layout } = settingsFrom(process.env);
  const path = join(layout.config, 'kubelet.json');
  const usual = await readFile(path, 'utf8');
  const restart = async (config: string): Promise<void> => {
    await writeFile(path, config);
    const machine = await requireMachine(layout, clusterMachine);
    await restartComponent({ layout, machine }, 'kubelet', AbortSignal.timeout(30_000));
    await eventually('the kubelet', 60_000, async () => {
      await availableMiB();
    });
  };
  const threshold = `${Math.floor((await availableMiB()) - takenMiB / 2)}Mi`;
  // A hard threshold would be taken from what pods may ask for, and all of them refused.
  const short = {
    evictionSoft: { 'memory.available': threshold },
    evictionSoftGracePeriod: { 'memory.available': '1s' },
  };
  await restart(JSON.stringify({ ...v.parse(v.looseObject({}), JSON.parse(usual)), ...short }));
  return {
    async [Symbol.asyncDispose]() {
      await restart(usual);
      await eventually('the node has memory again', 60_000, async () => {
        const taints = '{.items[*].spec.taints[*].key}';
        const left = await kubectl('get', 'nodes', '-o', `jsonpath=${taints}`);
        if (left !== '') throw new Error(`its taints: ${left}`);
      });
    },
  };
}

async function availableMiB(): Promise<number> {
  const summary = await kubectl('get', '--raw', '/api/v1/nodes/playground/proxy/stats/summary');
  return v.parse(nodeSummary, JSON.parse(summary)).node.memory.availableBytes / 2 ** 20;
}

/** A container (kubectl's words for it) uses far more memory than it has asked for, and keeps it. */
export async function takeMemory(container: readonly string[]): Promise<void> {
  // A writer that nobody reads keeps what it has read.
  const take = `(dd if=/dev/zero bs=${takenMiB}M count=1 | sleep 300) >/dev/null 2>&1 &`;
  // A kubelet that has just been started does not know its pods yet.
  await eventually('the container', 60_000, async () => {
    await kubectl('exec', ...container, '--', 'sh', '-c', take);
  });
}
